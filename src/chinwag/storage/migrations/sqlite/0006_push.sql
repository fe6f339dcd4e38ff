-- Pushes: what happened of which devices are told (`push_occasion`), and what goes to each (`push`). The SIDs
-- of the pushes of an occasion have all digits but the last six in common.

CREATE TABLE push_occasion (
    id            INTEGER PRIMARY KEY,
    service_id    INTEGER NOT NULL REFERENCES service,
    sid           TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    channel_id    INTEGER,
    channel_sid   TEXT,
    message_sid   TEXT,
    message_index INTEGER,
    user_id       INTEGER,
    author        TEXT    NOT NULL,
    date_created  INTEGER NOT NULL,
    spread        INTEGER NOT NULL DEFAULT 0,
    reached       TEXT    NOT NULL DEFAULT '',
    pushes        INTEGER NOT NULL DEFAULT 0,
    words         TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX push_occasion_service ON push_occasion (service_id, sid);
CREATE INDEX push_occasion_noted ON push_occasion (id) WHERE NOT spread;

CREATE TABLE push (
    service_id     INTEGER NOT NULL REFERENCES service,
    sid            TEXT    NOT NULL,
    occasion_id    INTEGER NOT NULL,
    user_id        INTEGER,
    identity       TEXT,
    binding_sid    TEXT,
    binding_type   TEXT,
    credential_sid TEXT,
    state          TEXT    NOT NULL,
    tries          INTEGER NOT NULL DEFAULT 0,
    due            INTEGER NOT NULL,
    attempts       TEXT    NOT NULL DEFAULT '[]',
    reason         TEXT,
    date_created   INTEGER NOT NULL,
    date_updated   INTEGER NOT NULL,
    PRIMARY KEY (service_id, sid)
) STRICT, WITHOUT ROWID;

CREATE INDEX push_waiting ON push (credential_sid, due, sid) WHERE state = 'waiting';
CREATE INDEX push_device ON push (binding_sid, sid) WHERE state = 'waiting';
CREATE INDEX push_ended ON push (date_updated) WHERE state <> 'waiting';

-- Whether a new message is an occasion: it is pushed, or the log says why not.
ALTER TABLE service ADD COLUMN notes_messages INTEGER NOT NULL DEFAULT 0;
UPDATE service
SET notes_messages = 1
WHERE notifications_log_enabled OR json_extract(notifications, '$.new_message.enabled');

-- A device belongs to one user of a service: to the last who registered it.
CREATE UNIQUE INDEX binding_address ON binding (service_id, binding_type, address);

-- A credential that its provider does not take is left alone until somebody changes it.
ALTER TABLE credential ADD COLUMN stopped      TEXT;
ALTER TABLE credential ADD COLUMN stopped_code INTEGER;
ALTER TABLE credential ADD COLUMN date_stopped INTEGER;

-- Which server makes the calls of webhooks that wait, and which one the pushes.
DROP TABLE dispatcher;
CREATE TABLE lease (
    name       TEXT    PRIMARY KEY,
    holder     TEXT    NOT NULL,
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO lease (name, holder, held_until) VALUES ('webhooks', '', 0), ('pushes', '', 0);
