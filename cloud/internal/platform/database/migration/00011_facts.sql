-- +goose Up

-- How far our copy of each author's log reaches: the cursor row that a batch locks.
CREATE TABLE authors (
    lot_id     text NOT NULL REFERENCES lots,
    author     text NOT NULL CHECK (author ~ '^[a-z2-7]{16}$'),
    booth_id   text NOT NULL,                 -- 'cloud' for ours
    key        bytea NOT NULL CHECK (length(key) = 32),
    seq        bigint NOT NULL CHECK (seq > 0),
    hash       bytea NOT NULL CHECK (length(hash) = 32),
    hlc        bigint NOT NULL,
    closed_at  timestamptz,
    closed_why text,
    opened_at  timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (lot_id, author)
);

-- The authors' exact bytes. public and sig never change; private may only be erased.
CREATE TABLE facts (
    lot_id      text NOT NULL,
    author      text NOT NULL,
    seq         bigint NOT NULL,
    hash        bytea NOT NULL,
    kind        text NOT NULL,
    at          timestamptz NOT NULL,
    public      bytea NOT NULL,
    private     bytea,
    sig         bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (lot_id, author, seq)
) PARTITION BY HASH (lot_id);
CREATE INDEX facts_clock ON facts (lot_id, author) WHERE kind = 'clock.offset';

-- Which facts name a fact.
CREATE TABLE fact_refs (
    lot_id     text NOT NULL,
    ref_author text NOT NULL,
    ref_seq    bigint NOT NULL,
    author     text NOT NULL,
    seq        bigint NOT NULL,
    PRIMARY KEY (lot_id, ref_author, ref_seq, author, seq)
) PARTITION BY HASH (lot_id);

-- Projections: they may be dropped and rebuilt from facts at any time, so nothing refers to them.

-- One row for each observation: a vehicle seen in a lane, and what became of it.
CREATE TABLE passages (
    lot_id       text NOT NULL,
    author       text NOT NULL,
    seq          bigint NOT NULL,
    vehicle      text NOT NULL,               -- session.Key
    source       text NOT NULL,
    boot         text NOT NULL,
    at           timestamptz NOT NULL,        -- corrected
    lane         text NOT NULL,
    dir          text NOT NULL,
    plate_text   text NOT NULL,
    plate_colour text NOT NULL,
    plate_class  text NOT NULL,
    confidence   integer NOT NULL,
    outcome      text NOT NULL,
    action       text NOT NULL,
    reason       text NOT NULL,
    photo        text NOT NULL,
    session      text NOT NULL,
    late         boolean NOT NULL,
    sum          bigint NOT NULL,             -- of the row, so that an unchanged one is not written again
    PRIMARY KEY (lot_id, author, seq)
) PARTITION BY HASH (lot_id);
CREATE INDEX passages_vehicle ON passages (lot_id, vehicle);
CREATE INDEX passages_clock ON passages (lot_id, author, source, boot);
CREATE INDEX passages_at ON passages (lot_id, at);

CREATE TABLE sessions (
    lot_id       text NOT NULL,
    id           text NOT NULL,
    vehicle      text NOT NULL,
    aliases      text[] NOT NULL,
    plate_text   text NOT NULL,
    plate_colour text NOT NULL,
    plate_class  text NOT NULL,
    state        text NOT NULL,
    begun_at     timestamptz NOT NULL,        -- entry, or exit where there was none
    entered_at   timestamptz,
    entry_lane   text NOT NULL,
    left_at      timestamptz,
    exit_lane    text NOT NULL,
    gross        bigint NOT NULL,
    free         bigint NOT NULL,
    paid         bigint NOT NULL,
    debt         bigint NOT NULL,
    excess       bigint NOT NULL,
    currency     text NOT NULL,
    billed       boolean NOT NULL,
    grade        text NOT NULL,
    flags        text[] NOT NULL,
    document     json NOT NULL,               -- the whole session; json and not jsonb, which refuses some of what facts may hold
    sum          bigint NOT NULL,
    PRIMARY KEY (lot_id, id)
) PARTITION BY HASH (lot_id);
CREATE INDEX sessions_vehicle ON sessions (lot_id, vehicle);
CREATE INDEX sessions_begun ON sessions (lot_id, begun_at);
CREATE INDEX sessions_inside ON sessions (lot_id, plate_text) WHERE state = 'inside';
CREATE INDEX sessions_aliases ON sessions USING gin (aliases) WHERE aliases <> '{}';

-- +goose StatementBegin
DO $$
BEGIN
    FOR i IN 0..7 LOOP
        EXECUTE format('CREATE TABLE facts_%s PARTITION OF facts FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
        EXECUTE format('CREATE TABLE fact_refs_%s PARTITION OF fact_refs FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
        EXECUTE format('CREATE TABLE passages_%s PARTITION OF passages FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
        EXECUTE format('CREATE TABLE sessions_%s PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
    END LOOP;
END
$$;

CREATE FUNCTION lotkeeper_facts_only_erase() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.private IS NULL
        AND (NEW.lot_id, NEW.author, NEW.seq, NEW.hash, NEW.kind, NEW.at, NEW.public, NEW.sig, NEW.received_at)
          = (OLD.lot_id, OLD.author, OLD.seq, OLD.hash, OLD.kind, OLD.at, OLD.public, OLD.sig, OLD.received_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'table facts is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON facts FOR EACH ROW EXECUTE FUNCTION lotkeeper_facts_only_erase();

-- Facts that were stored but cannot be applied.
CREATE TABLE quarantine (
    lot_id  text NOT NULL,
    author  text NOT NULL,
    seq     bigint NOT NULL,
    kind    text NOT NULL,
    cause   text NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (lot_id, author, seq)
);

-- Something a person should look at. What happens again while an alarm is open is counted in it.
CREATE TABLE alarms (
    id         text PRIMARY KEY,
    lot_id     text NOT NULL REFERENCES lots,
    kind       text NOT NULL,
    subject    text NOT NULL,
    zh         text NOT NULL,
    en         text NOT NULL,
    times      bigint NOT NULL DEFAULT 1,
    raised_at  timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    cleared_at timestamptz
);
CREATE UNIQUE INDEX alarms_open ON alarms (lot_id, kind, subject) WHERE cleared_at IS NULL;

-- What the cloud wants to say in a lot's log, written in the transaction of what it tells. A row without seq waits.
CREATE TABLE fact_outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lot_id     text NOT NULL REFERENCES lots,
    draft      json NOT NULL,
    created_at timestamptz NOT NULL,
    author     text,
    seq        bigint,
    CHECK ((author IS NULL) = (seq IS NULL))
);
CREATE INDEX fact_outbox_waiting ON fact_outbox (lot_id, id) WHERE seq IS NULL;

-- Which author the cloud writes with in a lot at present.
CREATE TABLE cloud_logs (
    lot_id     text PRIMARY KEY REFERENCES lots,
    author     text NOT NULL,
    boot       text NOT NULL,
    created_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE cloud_logs, fact_outbox, alarms, quarantine, sessions, passages, fact_refs, facts, authors;
DROP FUNCTION lotkeeper_facts_only_erase();
