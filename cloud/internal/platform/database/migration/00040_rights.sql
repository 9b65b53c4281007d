-- +goose Up

-- What vehicles may do, need not pay, or owe. The document is the exact text that booths hold; it is made from the
-- columns beside it and never edited here.
CREATE TABLE rights (
    id          text PRIMARY KEY CHECK (id ~ '^rgt-[0-9a-hjkmnp-tv-z]{26}$'),
    operator_id text NOT NULL REFERENCES operators,
    version     bigint NOT NULL CHECK (version > 0),
    kind        text NOT NULL CHECK (kind IN ('permit', 'free', 'special', 'black', 'arrears', 'entitled')),
    document    bytea NOT NULL,
    sha256      bytea NOT NULL CHECK (length(sha256) = 32),
    plates      text[] NOT NULL,              -- of the document, to find a vehicle's
    matches     boolean NOT NULL,             -- it goes by class or pattern
    all_lots    boolean NOT NULL,             -- of the operator, those to come too
    lots        text[] NOT NULL,
    ends_at     timestamptz,                  -- when its last period ends; none: open
    actor       text NOT NULL CHECK (actor <> ''),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CHECK (all_lots = (lots = '{}'))
);
CREATE INDEX rights_operator ON rights (operator_id, kind, id);
CREATE INDEX rights_plates ON rights USING gin (plates);
CREATE INDEX rights_matches ON rights (operator_id) WHERE matches;

-- What a lot's booths are told: each right as it was published last, or its tombstone, with the number of the set at
-- which it changed.
CREATE TABLE lot_rights (
    lot_id     text NOT NULL REFERENCES lots,
    right_id   text NOT NULL COLLATE "C",
    number     bigint NOT NULL CHECK (number > 0),
    version    bigint NOT NULL,
    document   bytea,                         -- none: a tombstone
    sha256     bytea,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (lot_id, right_id),
    CHECK ((document IS NULL) = (sha256 IS NULL))
);
CREATE INDEX lot_rights_number ON lot_rights (lot_id, number, right_id);

-- The newest set of each lot, signed.
CREATE TABLE rights_heads (
    lot_id   text PRIMARY KEY REFERENCES lots,
    number   bigint NOT NULL CHECK (number > 0),
    rights   integer NOT NULL CHECK (rights >= 0),
    document bytea NOT NULL,
    sig      bytea NOT NULL,
    issued   timestamptz NOT NULL
);

-- Lots whose set is to be made anew: written with each change, taken away by whoever publishes. above is a number that a
-- booth has and we never gave: after a restored database the next one must be higher.
CREATE TABLE rights_waiting (
    lot_id text PRIMARY KEY REFERENCES lots,
    since  timestamptz NOT NULL,
    above  bigint NOT NULL DEFAULT 0
);

-- Which set each booth said is in force there.
CREATE TABLE booth_rights (
    lot_id   text NOT NULL,
    booth_id text NOT NULL,
    number   bigint NOT NULL,
    said_at  timestamptz NOT NULL,            -- when it first said so
    PRIMARY KEY (lot_id, booth_id),
    FOREIGN KEY (lot_id, booth_id) REFERENCES booths (lot_id, id)
);

-- +goose Down
DROP TABLE booth_rights, rights_waiting, rights_heads, lot_rights, rights;
