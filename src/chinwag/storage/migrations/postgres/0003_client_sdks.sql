-- What client SDKs need besides: the member who posted a message, and who is online.

ALTER TABLE message ADD COLUMN member_sid text COLLATE "C";

CREATE INDEX user_online ON "user" (id) WHERE is_online;
CREATE INDEX user_channel_event ON user_channel (user_id, last_event_id);
