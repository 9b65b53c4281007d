-- +goose Up

-- Orders for money that drivers pay by phone. A state machine:
--   pending -> paid | closed;  pending, closed, paid -> refunding -> refunded
-- effect says what the money did: it settled a stay, or it was too much and goes back.
CREATE TABLE payment_orders (
    no          text PRIMARY KEY CHECK (no ~ '^pay-[0-9a-hjkmnp-tv-z]{26}$'),
    operator_id text NOT NULL REFERENCES operators,
    lot_id      text NOT NULL REFERENCES lots,
    session     text NOT NULL,                -- no reference: sessions are a projection
    quote       text NOT NULL,
    payee       text NOT NULL CHECK (payee <> ''),
    provider    text NOT NULL CHECK (provider <> ''),
    channel     text NOT NULL,
    description text NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    credited    bigint NOT NULL CHECK (credited >= 0), -- what orders of this stay had settled when this one was priced
    quoted_at   timestamptz NOT NULL,         -- when the fee was told: the stay is paid up to then
    state       text NOT NULL CHECK (state IN ('pending', 'paid', 'closed', 'refunding', 'refunded')),
    effect      text NOT NULL DEFAULT '' CHECK (effect IN ('', 'settled', 'overpaid')),
    reason      text NOT NULL DEFAULT '',     -- why it was closed, or the money was too much
    transaction text NOT NULL DEFAULT '',     -- the provider's
    pay_url     text NOT NULL DEFAULT '',
    pay_url_at  timestamptz,
    outbox      bigint REFERENCES fact_outbox, -- the fact that tells the lot
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > created_at),
    paid_at     timestamptz,                  -- by the provider's clock
    settled_at  timestamptz,                  -- by ours, when we believed it
    closed_at   timestamptz,
    checks      integer NOT NULL DEFAULT 0,
    check_at    timestamptz,                  -- when to ask the provider next; NULL: never
    CHECK ((state IN ('pending', 'closed')) = (effect = '')),
    CHECK (state <> 'paid' OR effect = 'settled'),
    CHECK ((effect = 'settled') = (outbox IS NOT NULL)),
    CHECK (effect = '' OR (transaction <> '' AND paid_at IS NOT NULL AND settled_at IS NOT NULL)),
    CHECK (state <> 'pending' OR check_at IS NOT NULL)
);
CREATE UNIQUE INDEX payment_orders_open ON payment_orders (quote) WHERE state = 'pending';
CREATE UNIQUE INDEX payment_orders_transaction ON payment_orders (provider, transaction) WHERE transaction <> '';
CREATE UNIQUE INDEX payment_orders_outbox ON payment_orders (outbox) WHERE outbox IS NOT NULL;
CREATE INDEX payment_orders_session ON payment_orders (lot_id, session);
CREATE INDEX payment_orders_check ON payment_orders (check_at) WHERE check_at IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION lotkeeper_payment_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'payment order % cannot be deleted', OLD.no USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.no, NEW.operator_id, NEW.lot_id, NEW.session, NEW.quote, NEW.payee, NEW.provider, NEW.channel, NEW.amount, NEW.currency,
        NEW.credited, NEW.quoted_at, NEW.created_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.no, OLD.operator_id, OLD.lot_id, OLD.session, OLD.quote, OLD.payee, OLD.provider, OLD.channel, OLD.amount, OLD.currency,
        OLD.credited, OLD.quoted_at, OLD.created_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'what payment order % asks for cannot change', OLD.no USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.effect <> '' AND (NEW.effect, NEW.transaction, NEW.paid_at, NEW.settled_at, NEW.outbox)
       IS DISTINCT FROM (OLD.effect, OLD.transaction, OLD.paid_at, OLD.settled_at, OLD.outbox) THEN
        RAISE EXCEPTION 'what became of the money of order % cannot change', OLD.no USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('pending', 'paid'), ('pending', 'closed'), ('pending', 'refunding'), ('closed', 'refunding'), ('paid', 'refunding'),
        ('refunding', 'refunded')) THEN
        RAISE EXCEPTION 'payment order % cannot go from % to %', OLD.no, OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER moves BEFORE UPDATE OR DELETE ON payment_orders FOR EACH ROW EXECUTE FUNCTION lotkeeper_payment_moves();

-- One refund of an order, of all of it.
CREATE TABLE payment_refunds (
    no         text PRIMARY KEY CHECK (no ~ '^ref-[0-9a-hjkmnp-tv-z]{26}$'),
    order_no   text NOT NULL UNIQUE REFERENCES payment_orders,
    amount     bigint NOT NULL CHECK (amount > 0),
    currency   text NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    state      text NOT NULL CHECK (state IN ('requested', 'processing', 'done', 'failed')),
    reference  text NOT NULL DEFAULT '',      -- the provider's
    fault      text NOT NULL DEFAULT '',      -- why it failed
    created_at timestamptz NOT NULL,
    done_at    timestamptz,
    checks     integer NOT NULL DEFAULT 0,
    check_at   timestamptz,
    CHECK ((state IN ('requested', 'processing')) = (check_at IS NOT NULL)),
    CHECK ((state = 'done') = (done_at IS NOT NULL))
);
CREATE INDEX payment_refunds_check ON payment_refunds (check_at) WHERE check_at IS NOT NULL;

-- Double entry. A journal is one event, its postings sum to zero; both are for ever, a mistake is reversed by a new
-- journal. There are no balances that run: a balance is a sum.
CREATE TABLE journals (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind   text NOT NULL CHECK (kind IN ('payment', 'overpayment', 'refund')),
    ref    text NOT NULL,
    lot_id text NOT NULL REFERENCES lots,
    at     timestamptz NOT NULL,
    UNIQUE (kind, ref)
);
SELECT lotkeeper_append_only('journals');

CREATE TABLE postings (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_id bigint NOT NULL REFERENCES journals,
    account    text NOT NULL CHECK (account <> ''),
    amount     bigint NOT NULL CHECK (amount <> 0),
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX postings_journal ON postings (journal_id);
CREATE INDEX postings_account ON postings (account, id);
SELECT lotkeeper_append_only('postings');

-- +goose StatementBegin
CREATE FUNCTION lotkeeper_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    journal bigint;
BEGIN
    IF TG_TABLE_NAME = 'journals' THEN
        journal := NEW.id;
        IF NOT EXISTS (SELECT FROM postings WHERE journal_id = journal) THEN
            RAISE EXCEPTION 'journal % has no postings', journal USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        journal := NEW.journal_id;
    END IF;
    IF EXISTS (SELECT FROM postings WHERE journal_id = journal GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the postings of journal % do not sum to zero', journal USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON postings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lotkeeper_balanced();
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON journals DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lotkeeper_balanced();

-- Every notification of a provider and what became of it, forged ones included.
CREATE TABLE payment_notices (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL,
    provider  text NOT NULL,
    address   text NOT NULL,
    outcome   text NOT NULL CHECK (outcome IN ('settled', 'overpaid', 'repeated', 'rejected', 'mismatched', 'unknown_order', 'unconfirmed')),
    reason    text NOT NULL DEFAULT '',
    notice    text NOT NULL DEFAULT '',       -- the provider's id of it
    order_no  text NOT NULL DEFAULT '',
    bytes     integer NOT NULL,
    sha256    bytea NOT NULL CHECK (length(sha256) = 32)
);
CREATE INDEX payment_notices_order ON payment_notices (order_no) WHERE order_no <> '';
SELECT lotkeeper_append_only('payment_notices');

-- +goose Down
DROP TABLE payment_notices, postings, journals, payment_refunds, payment_orders;
DROP FUNCTION lotkeeper_balanced(), lotkeeper_payment_moves();
