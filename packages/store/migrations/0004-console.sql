-- What people say of a cause that was found. The latest word of an incident holds; the journal has those before it.
CREATE TABLE feedback (
  incident_id text        PRIMARY KEY REFERENCES incidents (id),
  is_right    boolean     NOT NULL,
  note        text        NOT NULL DEFAULT '',
  said_by     text        NOT NULL,
  said_at     timestamptz NOT NULL
);

-- Letters of `sre-deadletter`, kept for a person to read and to send again. The topic itself forgets after its retention.
CREATE TABLE dead_letters (
  id          text        PRIMARY KEY, -- the event's id: the same letter delivered twice is one row
  at          timestamptz NOT NULL,
  code        text        NOT NULL,
  reason      text        NOT NULL,
  origin      jsonb       NOT NULL,
  headers     jsonb       NOT NULL,
  value       text        NOT NULL, -- base64
  state       text        NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'replayed', 'dropped')),
  decided_by  text,
  decided_at  timestamptz
);
CREATE INDEX dead_letters_listed ON dead_letters (at DESC, id DESC);

-- Lists by state or service, newest first, stay quick when there are many incidents.
CREATE INDEX incidents_by_state ON incidents (state, started_at DESC, id DESC);
CREATE INDEX incidents_by_service ON incidents (service, started_at DESC, id DESC);
CREATE INDEX incidents_opened ON incidents (opened_at);
