-- Times are microseconds since 1970-01-01T00:00:00Z. Windows are [start_us, end_us).
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE windows (
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    rows_total INTEGER NOT NULL,
    rows_late INTEGER NOT NULL,
    rows_refused INTEGER NOT NULL,
    rows_duplicate INTEGER NOT NULL,
    closed_at_us INTEGER NOT NULL,
    labels INTEGER NOT NULL,
    is_final INTEGER NOT NULL,
    reference TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX windows_key ON windows (model, start_us, end_us, version);
CREATE INDEX windows_open ON windows (model, start_us) WHERE is_final = 0;
CREATE INDEX windows_end ON windows (end_us);

CREATE TABLE profiles (
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX profiles_key ON profiles (model, start_us, end_us, version);
CREATE INDEX profiles_end ON profiles (end_us);

CREATE TABLE performance (
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX performance_key ON performance (model, start_us, end_us, version);
CREATE INDEX performance_end ON performance (end_us);

-- One packed blob for each (model, version, segment, window, group), not a row for each number.
CREATE TABLE measurements (
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    segment TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('drift', 'performance')),
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX measurements_key
    ON measurements (model, start_us, end_us, version, segment, kind);
CREATE INDEX measurements_end ON measurements (end_us);

CREATE TABLE model_references (
    model TEXT NOT NULL,
    id TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX model_references_key ON model_references (model, id);

CREATE TABLE cursors (
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (model, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE episodes (
    id TEXT NOT NULL,
    model TEXT NOT NULL,
    rule TEXT NOT NULL,
    active INTEGER NOT NULL,
    since_us INTEGER NOT NULL,
    ended_at_us INTEGER,
    window_end_us INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX episodes_key ON episodes (id);
CREATE INDEX episodes_model ON episodes (model, since_us);
CREATE INDEX episodes_active ON episodes (model, since_us) WHERE active = 1;

-- A row without done_at_us is on its way. The receiver's address and secrets are never here.
CREATE TABLE outbox (
    key TEXT NOT NULL,
    receiver TEXT NOT NULL,
    episode TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    title TEXT NOT NULL,
    body BLOB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'sending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL,
    maybe_sent INTEGER NOT NULL,
    first_at_us INTEGER,
    next_at_us INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    lease_until_us INTEGER NOT NULL,
    last_error TEXT,
    done_at_us INTEGER
) STRICT;
CREATE UNIQUE INDEX outbox_key ON outbox (key, receiver);
CREATE INDEX outbox_order ON outbox (receiver, episode, at_us, key) WHERE done_at_us IS NULL;
CREATE INDEX outbox_due ON outbox (receiver, next_at_us, at_us, key) WHERE done_at_us IS NULL;
CREATE INDEX outbox_done ON outbox (done_at_us) WHERE done_at_us IS NOT NULL;
CREATE INDEX outbox_at ON outbox (at_us);

CREATE TABLE retrainings (
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    target TEXT NOT NULL,
    episode TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    active INTEGER NOT NULL,
    started_at_us INTEGER,
    ended_at_us INTEGER,
    new_version TEXT,
    state TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX retrainings_key ON retrainings (key);
CREATE INDEX retrainings_model ON retrainings (model, at_us);

-- Predictions that wait for labels; gone when their window is final.
CREATE TABLE predictions (
    model TEXT NOT NULL,
    id TEXT NOT NULL,
    window_start_us INTEGER NOT NULL,
    version TEXT NOT NULL,
    score REAL,
    predicted INTEGER NOT NULL,
    label INTEGER,
    label_at_us INTEGER,
    PRIMARY KEY (model, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX predictions_window ON predictions (window_start_us, model);

-- Labels whose predictions have not been seen.
CREATE TABLE waiting_labels (
    model TEXT NOT NULL,
    id TEXT NOT NULL,
    label INTEGER NOT NULL,
    label_at_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    PRIMARY KEY (model, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_labels_until ON waiting_labels (until_us, model);
