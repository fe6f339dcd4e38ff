-- Users, channels and what happens in them; credentials and bindings; the second version's fields of a service.
--
-- `…_event_id` are counters of the objects that client SDKs follow, and the stamps of their items: see
-- docs/decisions/0003-state-instead-of-an-event-log.md. `deleted` marks a tombstone of such an item, or a
-- service or channel whose rows are being removed.

ALTER TABLE service ADD COLUMN pre_webhook_retry_count     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE service ADD COLUMN post_webhook_retry_count    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE service ADD COLUMN notifications_log_enabled   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE service ADD COLUMN media_compatibility_message TEXT    NOT NULL DEFAULT 'Media messages are not supported';
ALTER TABLE service ADD COLUMN deleted                     INTEGER NOT NULL DEFAULT 0;

CREATE INDEX service_deleted ON service (id) WHERE deleted;

CREATE TABLE user (
    id                     INTEGER PRIMARY KEY,
    service_id             INTEGER NOT NULL REFERENCES service,
    sid                    TEXT    NOT NULL,
    identity               TEXT    NOT NULL,
    friendly_name          TEXT,
    attributes             TEXT    NOT NULL,
    role_sid               TEXT    NOT NULL,
    is_online              INTEGER,
    is_notifiable          INTEGER,
    joined_channels_count  INTEGER NOT NULL,
    date_created           INTEGER NOT NULL,
    date_updated           INTEGER NOT NULL,
    info_event_id          INTEGER NOT NULL,
    friendly_name_event_id INTEGER NOT NULL,
    attributes_event_id    INTEGER NOT NULL,
    reachability_event_id  INTEGER NOT NULL,
    channels_event_id      INTEGER NOT NULL,
    UNIQUE (service_id, sid),
    UNIQUE (service_id, identity)
) STRICT;

CREATE TABLE channel (
    id                 INTEGER PRIMARY KEY,
    service_id         INTEGER NOT NULL REFERENCES service,
    sid                TEXT    NOT NULL,
    friendly_name      TEXT,
    unique_name        TEXT,
    attributes         TEXT    NOT NULL,
    type               TEXT    NOT NULL,
    created_by         TEXT    NOT NULL,
    members_count      INTEGER NOT NULL,
    messages_count     INTEGER NOT NULL,
    next_index         INTEGER NOT NULL,
    last_message_index INTEGER,
    last_message_sid   TEXT,
    last_message_date  INTEGER,
    date_created       INTEGER NOT NULL,
    date_updated       INTEGER NOT NULL,
    event_id           INTEGER NOT NULL,
    messages_event_id  INTEGER NOT NULL,
    roster_event_id    INTEGER NOT NULL,
    deleted            INTEGER NOT NULL DEFAULT 0,
    UNIQUE (service_id, sid),
    UNIQUE (service_id, unique_name)
) STRICT;

CREATE INDEX channel_type ON channel (service_id, type, sid);
CREATE INDEX channel_deleted ON channel (id) WHERE deleted;

CREATE TABLE member (
    id                          INTEGER PRIMARY KEY,
    channel_id                  INTEGER NOT NULL,
    user_id                     INTEGER NOT NULL,
    sid                         TEXT    NOT NULL,
    role_sid                    TEXT    NOT NULL,
    attributes                  TEXT    NOT NULL,
    last_consumed_message_index INTEGER,
    last_consumption_timestamp  INTEGER,
    date_created                INTEGER NOT NULL,
    date_updated                INTEGER NOT NULL,
    created_event_id            INTEGER NOT NULL,
    last_event_id               INTEGER NOT NULL,
    deleted                     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX member_user ON member (user_id, channel_id) WHERE NOT deleted;
CREATE UNIQUE INDEX member_sid ON member (channel_id, sid) WHERE NOT deleted;
CREATE INDEX member_event ON member (channel_id, last_event_id);

-- Here and in `message` tombstones stand apart in the key, so that no page has to step over them.
CREATE TABLE user_channel (
    user_id            INTEGER NOT NULL,
    channel_sid        TEXT    NOT NULL,
    channel_id         INTEGER NOT NULL,
    status             TEXT    NOT NULL,
    notification_level TEXT    NOT NULL,
    created_event_id   INTEGER NOT NULL,
    last_event_id      INTEGER NOT NULL,
    deleted            INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, deleted, channel_sid),
    UNIQUE (user_id, channel_sid)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_channel_channel ON user_channel (channel_id) WHERE NOT deleted;

CREATE TABLE invite (
    channel_id   INTEGER NOT NULL,
    sid          TEXT    NOT NULL,
    user_id      INTEGER NOT NULL,
    role_sid     TEXT    NOT NULL,
    created_by   TEXT    NOT NULL,
    date_created INTEGER NOT NULL,
    date_updated INTEGER NOT NULL,
    PRIMARY KEY (channel_id, sid)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX invite_user ON invite (user_id, channel_id);

CREATE TABLE media (
    id           INTEGER PRIMARY KEY,
    service_id   INTEGER NOT NULL REFERENCES service,
    sid          TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    content_type TEXT    NOT NULL,
    filename     TEXT,
    attached     INTEGER NOT NULL,
    date_created INTEGER NOT NULL,
    UNIQUE (service_id, sid)
) STRICT;

CREATE TABLE message (
    channel_id       INTEGER NOT NULL,
    deleted          INTEGER NOT NULL DEFAULT 0,
    "index"          INTEGER NOT NULL,
    sid              TEXT    NOT NULL,
    author           TEXT    NOT NULL,
    body             TEXT,
    attributes       TEXT    NOT NULL,
    was_edited       INTEGER NOT NULL,
    last_updated_by  TEXT,
    media_id         INTEGER,
    date_created     INTEGER NOT NULL,
    date_updated     INTEGER NOT NULL,
    created_event_id INTEGER NOT NULL,
    last_event_id    INTEGER NOT NULL,
    PRIMARY KEY (channel_id, deleted, "index")
) STRICT, WITHOUT ROWID;

-- By SID first: SIDs rise with time, so that new ones of all channels meet on one page.
CREATE UNIQUE INDEX message_sid ON message (sid, channel_id);
CREATE INDEX message_event ON message (channel_id, last_event_id) WHERE last_event_id > created_event_id;

CREATE TABLE channel_webhook (
    channel_id   INTEGER NOT NULL,
    sid          TEXT    NOT NULL,
    type         TEXT    NOT NULL,
    target       TEXT,
    method       TEXT    NOT NULL,
    filters      TEXT    NOT NULL,
    triggers     TEXT    NOT NULL,
    flow_sid     TEXT,
    retry_count  INTEGER NOT NULL,
    date_created INTEGER NOT NULL,
    date_updated INTEGER NOT NULL,
    PRIMARY KEY (channel_id, sid)
) STRICT, WITHOUT ROWID;

CREATE TABLE credential (
    account_id         INTEGER NOT NULL REFERENCES account,
    sid                TEXT    NOT NULL,
    friendly_name      TEXT,
    type               TEXT    NOT NULL,
    sandbox            INTEGER,
    sealed_certificate BLOB,
    sealed_private_key BLOB,
    sealed_api_key     BLOB,
    sealed_secret      BLOB,
    date_created       INTEGER NOT NULL,
    date_updated       INTEGER NOT NULL,
    PRIMARY KEY (account_id, sid)
) STRICT, WITHOUT ROWID;

CREATE TABLE binding (
    service_id     INTEGER NOT NULL REFERENCES service,
    sid            TEXT    NOT NULL,
    user_id        INTEGER NOT NULL,
    endpoint       TEXT    NOT NULL,
    credential_sid TEXT    NOT NULL,
    binding_type   TEXT    NOT NULL,
    address        TEXT    NOT NULL,
    message_types  TEXT    NOT NULL,
    date_created   INTEGER NOT NULL,
    date_updated   INTEGER NOT NULL,
    PRIMARY KEY (service_id, sid)
) STRICT, WITHOUT ROWID;

CREATE INDEX binding_user ON binding (user_id, sid);
