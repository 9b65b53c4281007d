-- +goose Up

-- What a driver was told on his phone, bound to one stay. The price holds until valid_until and is then told anew.
CREATE TABLE quotes (
    id          text PRIMARY KEY CHECK (id ~ '^quo-[0-9a-hjkmnp-tv-z]{26}$'),
    lot_id      text NOT NULL REFERENCES lots,
    session     text NOT NULL,
    lane        text NOT NULL DEFAULT '',     -- when it was asked for by a lane's code
    priced_at   timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    credited    bigint NOT NULL CHECK (credited >= 0), -- of paid, by orders that settled the stay
    currency    text NOT NULL,
    gross       bigint NOT NULL CHECK (gross >= 0),
    free        bigint NOT NULL CHECK (free >= 0),
    paid        bigint NOT NULL CHECK (paid >= 0),
    due         bigint NOT NULL CHECK (due >= 0),
    received    bigint NOT NULL CHECK (received >= 0), -- all that came in for the stay when it was priced
    bill        json NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX quotes_age ON quotes (created_at);

-- +goose Down
DROP TABLE quotes;
