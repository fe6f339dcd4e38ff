-- Accounts and keys, services and roles. Secrets are sealed; moments are milliseconds since 1970.

CREATE TABLE installation (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    key_check  BLOB
) STRICT;

INSERT INTO installation (id, generation) VALUES (1, 1);

CREATE TABLE account (
    id                INTEGER PRIMARY KEY,
    sid               TEXT    NOT NULL UNIQUE,
    friendly_name     TEXT    NOT NULL,
    sealed_auth_token BLOB    NOT NULL,
    date_created      INTEGER NOT NULL
) STRICT;

CREATE TABLE api_key (
    id            INTEGER PRIMARY KEY,
    sid           TEXT    NOT NULL UNIQUE,
    account_id    INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    friendly_name TEXT    NOT NULL,
    sealed_secret BLOB    NOT NULL,
    date_created  INTEGER NOT NULL
) STRICT;

CREATE INDEX api_key_account ON api_key (account_id);

CREATE TABLE service (
    id                               INTEGER PRIMARY KEY,
    account_id                       INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    sid                              TEXT    NOT NULL,
    friendly_name                    TEXT    NOT NULL,
    default_service_role_sid         TEXT    NOT NULL,
    default_channel_role_sid         TEXT    NOT NULL,
    default_channel_creator_role_sid TEXT    NOT NULL,
    channel_members                  INTEGER NOT NULL,
    user_channels                    INTEGER NOT NULL,
    read_status_enabled              INTEGER NOT NULL,
    reachability_enabled             INTEGER NOT NULL,
    typing_indicator_timeout         INTEGER NOT NULL,
    consumption_report_interval      INTEGER NOT NULL,
    notifications                    TEXT    NOT NULL,
    pre_webhook_url                  TEXT,
    post_webhook_url                 TEXT,
    webhook_method                   TEXT,
    webhook_filters                  TEXT,
    webhooks                         TEXT    NOT NULL,
    date_created                     INTEGER NOT NULL,
    date_updated                     INTEGER NOT NULL,
    UNIQUE (account_id, sid)
) STRICT;

CREATE TABLE role (
    service_id    INTEGER NOT NULL REFERENCES service ON DELETE CASCADE,
    sid           TEXT    NOT NULL,
    friendly_name TEXT    NOT NULL,
    type          TEXT    NOT NULL,
    permissions   TEXT    NOT NULL,
    date_created  INTEGER NOT NULL,
    date_updated  INTEGER NOT NULL,
    PRIMARY KEY (service_id, sid)
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    account_id   INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    key          TEXT    NOT NULL,
    fingerprint  BLOB    NOT NULL,
    answer       BLOB    NOT NULL,
    date_created INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;
