-- +goose Up

-- Commands of seats to lanes. They are not facts: what happened comes back as one.
CREATE TABLE commands (
    id          text PRIMARY KEY,
    lot_id      text NOT NULL REFERENCES lots,
    booth_id    text NOT NULL,
    lane        text NOT NULL,
    action      text NOT NULL CHECK (action IN ('open', 'close', 'correct')),
    reason      text NOT NULL CHECK (reason <> ''),
    actor       text NOT NULL,
    document    jsonb NOT NULL,               -- the wire.Command as it was sent
    state       text NOT NULL CHECK (state IN ('sent', 'done', 'refused', 'unknown', 'expired', 'replayed', 'mismatched')),
    detail      text NOT NULL DEFAULT '',
    fact        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    answered_at timestamptz
);
CREATE INDEX commands_waiting ON commands (expires_at) WHERE state = 'sent';
CREATE INDEX commands_lot ON commands (lot_id, created_at);

-- +goose Down
DROP TABLE commands;
