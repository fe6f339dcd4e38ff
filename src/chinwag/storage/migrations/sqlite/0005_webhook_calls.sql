-- Calls of webhooks: those that wait, what came of the others, and what was not called and why. `dispatcher`
-- names the server that makes the calls which wait: one at a time.

CREATE TABLE webhook_call (
    id           INTEGER PRIMARY KEY,
    service_id   INTEGER NOT NULL REFERENCES service,
    sid          TEXT    NOT NULL,
    channel_sid  TEXT,
    event        TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    client       TEXT,
    via          TEXT,
    url          TEXT,
    method       TEXT    NOT NULL,
    params       TEXT    NOT NULL,
    target_id    INTEGER NOT NULL,
    lane         TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    tries_left   INTEGER NOT NULL,
    due          INTEGER NOT NULL,
    attempts     TEXT    NOT NULL,
    reason       TEXT,
    "count"      INTEGER NOT NULL,
    date_created INTEGER NOT NULL,
    date_updated INTEGER NOT NULL,
    UNIQUE (service_id, sid)
) STRICT;

CREATE INDEX webhook_call_waiting ON webhook_call (target_id, due) WHERE state = 'waiting';
CREATE INDEX webhook_call_ended ON webhook_call (date_updated) WHERE state <> 'waiting';

-- Another one after each change of a service: who remembers a service sees by it whether it is still the same.
ALTER TABLE service ADD COLUMN revision TEXT NOT NULL DEFAULT '';

CREATE TABLE dispatcher (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    holder     TEXT    NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;

INSERT INTO dispatcher (id, holder, held_until) VALUES (1, '', 0);
