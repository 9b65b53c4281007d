-- +goose Up

-- An operator's library of tariffs. The draft is the exact text that people write, right or wrong; number counts every
-- change of the row, so that two people who write do not undo each other.
CREATE TABLE library_tariffs (
    id          text PRIMARY KEY CHECK (id ~ '^trf-[0-9a-hjkmnp-tv-z]{26}$'),
    operator_id text NOT NULL REFERENCES operators,
    name_zh     text NOT NULL CHECK (name_zh <> ''),
    name_en     text NOT NULL CHECK (name_en <> ''),
    number      bigint NOT NULL CHECK (number > 0),
    draft       text,
    draft_by    text,
    draft_at    timestamptz,
    latest      integer NOT NULL DEFAULT 0 CHECK (latest >= 0), -- version; 0: nothing is published
    archived_at timestamptz,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CHECK ((draft IS NULL) = (draft_by IS NULL) AND (draft IS NULL) = (draft_at IS NULL))
);
CREATE INDEX library_tariffs_operator ON library_tariffs (operator_id, id);

-- What was published. Open stays are pinned to it, and bills name it.
CREATE TABLE library_versions (
    tariff_id    text NOT NULL REFERENCES library_tariffs,
    version      integer NOT NULL CHECK (version > 0),
    document     jsonb NOT NULL,
    number       bigint NOT NULL,             -- of the tariff when it was published: the same request again finds it
    note         text NOT NULL,
    accepted     jsonb NOT NULL,              -- the warnings that it was published in spite of
    actor        text NOT NULL CHECK (actor <> ''),
    published_at timestamptz NOT NULL,
    PRIMARY KEY (tariff_id, version),
    UNIQUE (tariff_id, number),
    CHECK (document->>'id' = tariff_id AND (document->>'version')::integer = version)
);
SELECT lotkeeper_append_only('library_versions');

CREATE TABLE calendars (
    id          text PRIMARY KEY CHECK (id ~ '^cal-[0-9a-hjkmnp-tv-z]{26}$'),
    operator_id text NOT NULL REFERENCES operators,
    name_zh     text NOT NULL CHECK (name_zh <> ''),
    name_en     text NOT NULL CHECK (name_en <> ''),
    latest      integer NOT NULL CHECK (latest > 0),
    archived_at timestamptz,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE INDEX calendars_operator ON calendars (operator_id, id);

CREATE TABLE calendar_versions (
    calendar_id text NOT NULL REFERENCES calendars DEFERRABLE INITIALLY DEFERRED,
    version     integer NOT NULL CHECK (version > 0),
    document    jsonb NOT NULL,
    notes       jsonb NOT NULL,               -- what a date is, by date: for people
    note        text NOT NULL,
    actor       text NOT NULL CHECK (actor <> ''),
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (calendar_id, version),
    CHECK (document->>'id' = calendar_id AND (document->>'version')::integer = version)
);
SELECT lotkeeper_append_only('calendar_versions');

-- Which tariffs and which calendar a lot's configuration names, to find a tariff's lots.
CREATE TABLE lot_rules (
    lot_id    text NOT NULL REFERENCES lots,
    position  integer NOT NULL CHECK (position >= 0),
    tariff_id text NOT NULL,
    version   integer NOT NULL,
    PRIMARY KEY (lot_id, position)
);
CREATE INDEX lot_rules_tariff ON lot_rules (tariff_id, version);
INSERT INTO lot_rules (lot_id, position, tariff_id, version)
SELECT l.id, r.at - 1, r.rule->'tariff'->>'id', (r.rule->'tariff'->>'version')::integer
FROM lots l
JOIN configs c ON c.lot_id = l.id AND c.number = l.config_number
CROSS JOIN LATERAL (SELECT convert_from(c.document, 'UTF8')::json AS doc) d
CROSS JOIN LATERAL json_array_elements(CASE json_typeof(d.doc->'rules') WHEN 'array' THEN d.doc->'rules' ELSE '[]' END)
    WITH ORDINALITY AS r (rule, at);

ALTER TABLE lots ADD COLUMN calendar_id text NOT NULL DEFAULT '', ADD COLUMN calendar_version integer NOT NULL DEFAULT 0;
UPDATE lots l SET calendar_id = coalesce(d.doc->'calendar'->>'id', ''), calendar_version = coalesce((d.doc->'calendar'->>'version')::integer, 0)
FROM configs c CROSS JOIN LATERAL (SELECT convert_from(c.document, 'UTF8')::json AS doc) d
WHERE c.lot_id = l.id AND c.number = l.config_number;
CREATE INDEX lots_calendar ON lots (calendar_id) WHERE calendar_id <> '';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM lots l JOIN configs c ON c.lot_id = l.id AND c.number = l.config_number
        CROSS JOIN LATERAL (SELECT convert_from(c.document, 'UTF8')::json AS doc) d
        WHERE (SELECT count(*) FROM lot_rules r WHERE r.lot_id = l.id)
                <> CASE json_typeof(d.doc->'rules') WHEN 'array' THEN json_array_length(d.doc->'rules') ELSE 0 END
            OR l.calendar_id <> coalesce(d.doc->'calendar'->>'id', '')
    ) THEN
        RAISE EXCEPTION 'a lot''s rules or calendar were not taken over from its configuration';
    END IF;
END
$$;
-- +goose StatementEnd

-- A tariff tried on stays that were billed. It goes on from its cursor, whoever works on it.
CREATE TABLE rehearsals (
    id          text PRIMARY KEY CHECK (id ~ '^reh-[0-9a-hjkmnp-tv-z]{26}$'),
    operator_id text NOT NULL REFERENCES operators,
    tariff_id   text NOT NULL REFERENCES library_tariffs,
    version     integer NOT NULL CHECK (version >= 0), -- 0: the draft as it was
    document    jsonb NOT NULL,               -- the candidate
    calendar    jsonb,                        -- NULL: the one that each stay was billed with
    classes     jsonb NOT NULL,               -- only stays of these; none is all
    only_tariff text NOT NULL,                -- only stays that this tariff billed; '' is all
    begun_from  timestamptz NOT NULL,         -- stays that began in this time
    begun_to    timestamptz NOT NULL,
    laws        jsonb NOT NULL,               -- what the candidate breaks
    state       text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    total       bigint NOT NULL CHECK (total >= 0),
    done        bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
    pages       bigint NOT NULL DEFAULT 0,    -- counts what was worked: of two workers on one page, one is too late
    cursor_lot  integer NOT NULL DEFAULT 0,   -- position of the lot
    cursor_at   timestamptz NOT NULL,
    cursor_id   text NOT NULL DEFAULT '',
    actor       text NOT NULL CHECK (actor <> ''),
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    CHECK (begun_to > begun_from),
    CHECK ((state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX rehearsals_operator ON rehearsals (operator_id, id);

CREATE TABLE rehearsal_lots (
    rehearsal_id text NOT NULL REFERENCES rehearsals,
    position     integer NOT NULL CHECK (position >= 0),
    lot_id       text NOT NULL REFERENCES lots,
    tally        jsonb NOT NULL,
    PRIMARY KEY (rehearsal_id, position)
);

-- +goose Down
DROP TABLE rehearsal_lots, rehearsals;
ALTER TABLE lots DROP COLUMN calendar_id, DROP COLUMN calendar_version;
DROP TABLE lot_rules, calendar_versions, calendars, library_versions, library_tariffs;
