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
    changed     bigint NOT NULL,              -- the operator's count of changes when it last did
    deleted_at  timestamptz,                  -- kept for a while, for lots that have yet to hear of it
    actor       text NOT NULL CHECK (actor <> ''),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CHECK (all_lots = (lots = '{}'))
);
CREATE INDEX rights_operator ON rights (operator_id, kind, id);
CREATE INDEX rights_changed ON rights (operator_id, changed);
CREATE INDEX rights_deleted ON rights (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX rights_plates ON rights USING gin (plates);
CREATE INDEX rights_matches ON rights (operator_id) WHERE matches;

-- Counts the changes of an operator's rights. Its row is locked until a change commits, so who reads n sees all changes up
-- to n.
CREATE TABLE right_changes (
    operator_id text PRIMARY KEY REFERENCES operators,
    changed     bigint NOT NULL
);

-- What a lot's booths are told: each right as it was published last, or its tombstone, with the number of the set at
-- which it changed.
CREATE TABLE lot_rights (
    lot_id     text NOT NULL REFERENCES lots,
    right_id   text NOT NULL COLLATE "C",
    number     bigint NOT NULL CHECK (number > 0),
    version    bigint NOT NULL,
    document   bytea,                         -- none: a tombstone
    sha256     bytea,
    bucket     smallint NOT NULL CHECK (bucket BETWEEN 0 AND 255), -- of the set's checksum
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (lot_id, right_id),
    CHECK ((document IS NULL) = (sha256 IS NULL))
);
CREATE INDEX lot_rights_number ON lot_rights (lot_id, number, right_id);
CREATE INDEX lot_rights_bucket ON lot_rights (lot_id, bucket, right_id) WHERE document IS NOT NULL;
CREATE INDEX lot_rights_gone ON lot_rights (lot_id, changed_at) WHERE document IS NULL;

-- The checksums of the buckets of a lot's set; an empty one may be missing.
CREATE TABLE lot_right_sums (
    lot_id text NOT NULL REFERENCES lots,
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 255),
    sum    bytea NOT NULL CHECK (length(sum) = 32),
    rights integer NOT NULL CHECK (rights >= 0),
    PRIMARY KEY (lot_id, bucket)
);

-- The newest set of each lot, signed.
CREATE TABLE rights_heads (
    lot_id   text PRIMARY KEY REFERENCES lots,
    number   bigint NOT NULL CHECK (number > 0),
    changed  bigint NOT NULL,                 -- the operator's changes that are in it
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
DROP TABLE booth_rights, rights_waiting, rights_heads, lot_right_sums, lot_rights, right_changes, rights;
