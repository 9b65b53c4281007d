-- +goose Up

-- Append-only tables refuse UPDATE, DELETE and TRUNCATE.
-- +goose StatementBegin
CREATE FUNCTION lotkeeper_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION lotkeeper_append_only(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION lotkeeper_refuse_change()', target);
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION lotkeeper_refuse_change()', target);
END
$$;
-- +goose StatementEnd

CREATE TABLE operators (
    id         text PRIMARY KEY,
    name       text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX operators_name ON operators (lower(name));

CREATE TABLE users (
    id            text PRIMARY KEY,
    operator_id   text NOT NULL REFERENCES operators,
    name          text NOT NULL CHECK (name <> ''),
    full_name     text NOT NULL DEFAULT '',
    role          text NOT NULL,
    all_lots      boolean NOT NULL,
    password_hash text NOT NULL,
    must_change   boolean NOT NULL DEFAULT false,
    failures      integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    locked_until  timestamptz,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_name ON users (lower(name));
CREATE INDEX users_operator ON users (operator_id, created_at);

CREATE TABLE user_lots (
    user_id text NOT NULL REFERENCES users,
    lot_id  text NOT NULL,
    PRIMARY KEY (user_id, lot_id)
);

-- A sign-in is known by the SHA-256 of its token; the token itself is nowhere but in the browser.
CREATE TABLE sign_ins (
    id           text PRIMARY KEY,
    user_id      text NOT NULL REFERENCES users,
    token_sha256 bytea NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    address      text NOT NULL,
    agent        text NOT NULL,
    created_at   timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    ended_why    text
);
CREATE INDEX sign_ins_open ON sign_ins (user_id) WHERE ended_at IS NULL;

CREATE TABLE audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    operator_id text,
    actor       text NOT NULL CHECK (actor <> ''),
    action      text NOT NULL CHECK (action <> ''),
    subject     text NOT NULL,
    before      jsonb,
    after       jsonb,
    request_id  text NOT NULL DEFAULT '',
    address     text NOT NULL DEFAULT ''
);
CREATE INDEX audit_operator ON audit (operator_id, id);
CREATE INDEX audit_subject ON audit (subject, id);
SELECT lotkeeper_append_only('audit');

CREATE TABLE idempotency (
    actor      text NOT NULL,
    key        text NOT NULL,
    hash       bytea NOT NULL CHECK (length(hash) = 32),
    body       jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- +goose Down
DROP TABLE idempotency, audit, sign_ins, user_lots, users, operators;
DROP FUNCTION lotkeeper_append_only(regclass), lotkeeper_refuse_change();
