-- What people keep out of incidents for a while: silences and maintenance windows. A rule that has ended stays, with what it held back.
CREATE TABLE suppressions (
  id         text        PRIMARY KEY,
  kind       text        NOT NULL CHECK (kind IN ('silence', 'maintenance')),
  matcher    text        NOT NULL,
  schedule   jsonb       NOT NULL, -- {kind: once, from, to} or {kind: weekly, days, from, to, timeZone}
  owner      text        NOT NULL,
  reason     text        NOT NULL,
  created_at timestamptz NOT NULL,
  over_at    timestamptz,          -- from then on it never holds again; null for ever
  ended_at   timestamptz,          -- a person ended it before
  ended_by   text,
  suppressed bigint      NOT NULL DEFAULT 0, -- transitions it has held back
  last_at    timestamptz
);
CREATE INDEX suppressions_live ON suppressions (created_at) WHERE ended_at IS NULL;
-- What fires and is held back now: the few that are looked at when a rule ends.
CREATE INDEX alerts_suppressed ON alerts (scope, fingerprint) WHERE status = 'firing' AND outcome = 'suppressed';

-- When each always-firing alert was last heard: its silence is an incident of the monitoring itself.
CREATE TABLE heartbeats (
  scope       text        NOT NULL,
  fingerprint text        NOT NULL,
  source      text        NOT NULL,
  name        text        NOT NULL,
  labels      jsonb       NOT NULL,
  first_at    timestamptz NOT NULL,
  seen_at     timestamptz NOT NULL,
  PRIMARY KEY (scope, fingerprint)
);
