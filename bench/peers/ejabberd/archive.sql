-- What `mod_mam` of ejabberd keeps messages in. (`origin_id` came after 23.10.)
CREATE TABLE archive (
  id bigserial,
  username text NOT NULL, timestamp bigint NOT NULL, peer text NOT NULL, bare_peer text NOT NULL,
  kind text, nick text, xml text NOT NULL, txt text,
  origin_id text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON archive (username, timestamp);
CREATE INDEX ON archive (username, peer);
CREATE INDEX ON archive (username, bare_peer);
CREATE INDEX ON archive (timestamp);
CREATE TABLE archive_prefs (
  username text PRIMARY KEY,
  def text NOT NULL, always text NOT NULL, never text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
