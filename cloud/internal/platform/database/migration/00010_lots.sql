-- +goose Up

-- A lot's lanes, booths, rules and calendar are the newest signed configuration; here stands what queries need.
CREATE TABLE lots (
    id            text PRIMARY KEY CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    operator_id   text NOT NULL REFERENCES operators,
    kind          text NOT NULL CHECK (kind IN ('off_street', 'on_street')),
    name_zh       text NOT NULL,
    name_en       text NOT NULL,
    tz            text NOT NULL,
    currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    capacity      integer NOT NULL CHECK (capacity >= 0),
    lanes         integer NOT NULL DEFAULT 0,
    config_number bigint NOT NULL CHECK (config_number > 0),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX lots_operator ON lots (operator_id, id);

-- Every configuration a lot ever had, signed: the exact bytes that booths hold.
CREATE TABLE configs (
    lot_id   text NOT NULL REFERENCES lots DEFERRABLE INITIALLY DEFERRED,
    number   bigint NOT NULL CHECK (number > 0),
    document bytea NOT NULL,
    sig      bytea NOT NULL,
    issued   timestamptz NOT NULL,
    actor    text NOT NULL,
    PRIMARY KEY (lot_id, number)
);
SELECT lotkeeper_append_only('configs');

-- A published version of a tariff never changes: open stays are pinned to it.
CREATE TABLE tariffs (
    lot_id     text NOT NULL REFERENCES lots,
    id         text NOT NULL,
    version    integer NOT NULL CHECK (version > 0),
    document   jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (lot_id, id, version)
);
SELECT lotkeeper_append_only('tariffs');

-- What a booth last said of itself. A booth that left the configuration keeps its row.
CREATE TABLE booths (
    lot_id     text NOT NULL REFERENCES lots,
    id         text NOT NULL,
    name_zh    text NOT NULL,
    name_en    text NOT NULL,
    removed_at timestamptz,
    online     boolean NOT NULL DEFAULT false,
    seen_at    timestamptz,                   -- by our clock
    software   text NOT NULL DEFAULT '',
    config     bigint NOT NULL DEFAULT 0,     -- the configuration in force there
    cursors    jsonb NOT NULL DEFAULT '{}',   -- how far its copies of the logs reach
    PRIMARY KEY (lot_id, id)
);
-- A booth's id is the CN of its certificate and its name at the broker, which knows no lots.
CREATE UNIQUE INDEX booths_id ON booths (id);

-- One-time codes, known by their SHA-256.
CREATE TABLE booth_codes (
    code_sha256 bytea PRIMARY KEY CHECK (length(code_sha256) = 32),
    lot_id      text NOT NULL,
    booth_id    text NOT NULL,
    actor       text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    used_from   text,
    FOREIGN KEY (lot_id, booth_id) REFERENCES booths (lot_id, id)
);
CREATE INDEX booth_codes_booth ON booth_codes (lot_id, booth_id);

-- Every certificate we gave a booth. A withdrawn one admits no new author and opens no connection; what its author
-- wrote before stays true.
CREATE TABLE booth_certificates (
    sha256       bytea PRIMARY KEY CHECK (length(sha256) = 32),
    lot_id       text NOT NULL,
    booth_id     text NOT NULL,
    serial       text NOT NULL,
    der          bytea NOT NULL,
    issued_at    timestamptz NOT NULL,
    not_after    timestamptz NOT NULL,
    withdrawn_at timestamptz,
    FOREIGN KEY (lot_id, booth_id) REFERENCES booths (lot_id, id)
);
CREATE INDEX booth_certificates_booth ON booth_certificates (lot_id, booth_id, issued_at);

CREATE TABLE photos (
    lot_id      text NOT NULL,
    sha256      bytea NOT NULL CHECK (length(sha256) = 32),
    booth_id    text NOT NULL,
    bytes       integer NOT NULL CHECK (bytes > 0),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (lot_id, sha256)
);
CREATE INDEX photos_sha256 ON photos (sha256);

-- +goose Down
DROP TABLE photos, booth_certificates, booth_codes, booths, tariffs, configs, lots;
