-- Uploaded files: who uploaded one, whether all of it came, which message carries it; and the contents that
-- are to be removed because their rows are gone.

ALTER TABLE media ADD COLUMN author       text COLLATE "C" NOT NULL DEFAULT 'system';
ALTER TABLE media ADD COLUMN category     text COLLATE "C" NOT NULL DEFAULT 'media';
ALTER TABLE media ADD COLUMN uploaded     boolean NOT NULL DEFAULT true;
ALTER TABLE media ADD COLUMN channel_id   bigint;
ALTER TABLE media ADD COLUMN channel_sid  text COLLATE "C";
ALTER TABLE media ADD COLUMN message_sid  text COLLATE "C";
ALTER TABLE media ADD COLUMN date_updated bigint NOT NULL DEFAULT 0;

UPDATE media
SET date_updated = date_created,
    channel_id   = (SELECT channel_id FROM message WHERE media_id = media.id),
    message_sid  = (SELECT sid FROM message WHERE media_id = media.id);

UPDATE media
SET channel_sid = (SELECT sid FROM channel WHERE id = channel_id)
WHERE channel_id IS NOT NULL;

ALTER TABLE media DROP COLUMN attached;

CREATE INDEX media_channel ON media (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX media_unsent ON media (date_created) WHERE message_sid IS NULL;

-- `due` is when the last byte that could still be on its way has come.
CREATE TABLE content_left (
    sid text COLLATE "C" NOT NULL PRIMARY KEY,
    due bigint NOT NULL
);
