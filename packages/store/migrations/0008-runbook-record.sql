-- How far a runbook may act by itself, as its record moved it: what was proposed to people, what they said, what was taken away. Nothing is
-- changed or removed; the last row of a runbook and an environment holds.
CREATE TABLE autonomy_changes (
  id          text        PRIMARY KEY,
  runbook     text        NOT NULL,
  environment text        NOT NULL,
  kind        text        NOT NULL CHECK (kind IN ('proposed', 'promoted', 'declined', 'demoted')),
  reason      text        NOT NULL,
  by_whom     text        NOT NULL,
  at          timestamptz NOT NULL,
  run_id      text,                 -- the run whose end was the occasion
  seq         bigint      GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX autonomy_changes_of ON autonomy_changes (runbook, environment, seq DESC);

-- Plain Markdown runbooks that a person follows for an incident. The steps are kept as they were when it was begun: a file that is edited
-- meanwhile does not move the ticks.
CREATE TABLE incident_guidance (
  incident_id text        NOT NULL,
  guidance    text        NOT NULL,
  title       text        NOT NULL,
  path        text        NOT NULL,
  digest      text        NOT NULL,
  steps       jsonb       NOT NULL, -- [{section, text}]
  by_whom     text        NOT NULL,
  at          timestamptz NOT NULL,
  PRIMARY KEY (incident_id, guidance)
);
CREATE TABLE guidance_ticks (
  incident_id text        NOT NULL,
  guidance    text        NOT NULL,
  position    integer     NOT NULL,
  by_whom     text        NOT NULL,
  at          timestamptz NOT NULL,
  note        text        NOT NULL DEFAULT '',
  PRIMARY KEY (incident_id, guidance, position),
  FOREIGN KEY (incident_id, guidance) REFERENCES incident_guidance ON DELETE CASCADE
);
