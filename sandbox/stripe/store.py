"""The schema of the gateway's database."""

from sandbox.common.outbox import COLUMNS

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('open', 'complete', 'expired')),
    payment_intent TEXT REFERENCES intents (id),
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit_amount INTEGER NOT NULL CHECK (unit_amount > 0),
    currency TEXT NOT NULL,
    success_url TEXT NOT NULL,
    cancel_url TEXT,
    client_reference_id TEXT,
    customer_email TEXT,
    metadata TEXT NOT NULL,
    intent_metadata TEXT NOT NULL,
    mode TEXT,
    created INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_open ON sessions (expires_at) WHERE status = 'open';

-- PaymentIntents: one for each session with an attempt to pay.
CREATE TABLE IF NOT EXISTS intents (
    id TEXT PRIMARY KEY,
    session TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL
        CHECK (status IN ('requires_payment_method', 'succeeded', 'canceled')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    metadata TEXT NOT NULL,
    charge TEXT NOT NULL UNIQUE,
    card TEXT NOT NULL,
    error TEXT,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY,
    payment_intent TEXT NOT NULL REFERENCES intents (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    reason TEXT,
    metadata TEXT NOT NULL,
    failure_reason TEXT,
    becomes TEXT CHECK (becomes IN ('succeeded', 'failed')),
    changes_at REAL,
    created INTEGER NOT NULL,
    CHECK ((becomes IS NULL) = (changes_at IS NULL))
) STRICT;
CREATE INDEX IF NOT EXISTS refunds_of ON refunds (payment_intent);
CREATE INDEX IF NOT EXISTS refunds_to_change ON refunds (changes_at) WHERE changes_at IS NOT NULL;

-- Double entry. A failed refund is reversed by a second entry.
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('PAYMENT', 'REFUND', 'REFUND_FAILED')),
    reference TEXT NOT NULL,
    payment_intent TEXT NOT NULL REFERENCES intents (id),
    payer TEXT NOT NULL CHECK (payer IN ('card', 'merchant')),
    payee TEXT NOT NULL CHECK (payee IN ('card', 'merchant')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    booked_at TEXT NOT NULL,
    CHECK (payer <> payee),
    UNIQUE (kind, reference)
) STRICT;
CREATE INDEX IF NOT EXISTS entries_of ON entries (payment_intent);

-- The first response to each Idempotency-Key.
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    {COLUMNS}
) STRICT;
CREATE INDEX IF NOT EXISTS webhooks_to_send ON webhooks (due_at) WHERE status = 'PENDING';

-- The webhook mode and the simulated fault: one row.
CREATE TABLE IF NOT EXISTS behaviour (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    mode TEXT NOT NULL,
    fault TEXT NOT NULL,
    times INTEGER
) STRICT;
"""
