"""The schema of the bank's database."""

from sandbox.common.outbox import COLUMNS

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY,
    bank TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('CUSTOMER', 'MERCHANT', 'BENEFICIARY', 'CAPITAL')),
    owner TEXT NOT NULL,
    label TEXT NOT NULL,
    currency TEXT NOT NULL,
    UNIQUE (bank, kind, owner, currency)
) STRICT;

-- Double entry: all balances of a bank and currency sum to zero.
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    bank TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('OPENING', 'PAYMENT', 'PAYOUT')),
    reference TEXT NOT NULL,
    bank_reference TEXT NOT NULL,
    from_account INTEGER NOT NULL REFERENCES accounts (id),
    to_account INTEGER NOT NULL REFERENCES accounts (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    booked_at TEXT NOT NULL,
    CHECK (from_account <> to_account),
    UNIQUE (bank, kind, reference)
) STRICT;
CREATE INDEX IF NOT EXISTS entries_out ON entries (from_account, amount);
CREATE INDEX IF NOT EXISTS entries_in ON entries (to_account, amount);

-- Payment requests that were paid or declined. Open ones are not stored: the link carries them.
CREATE TABLE IF NOT EXISTS payments (
    bank TEXT NOT NULL,
    reference TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PAID', 'DECLINED')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    payer TEXT NOT NULL,
    merchant TEXT NOT NULL,
    bank_reference TEXT NOT NULL UNIQUE,
    mode TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (bank, reference)
) STRICT;

CREATE TABLE IF NOT EXISTS payouts (
    bank TEXT NOT NULL,
    reference TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ACCEPTED', 'PAID', 'REFUSED')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    holder TEXT NOT NULL,
    account_number TEXT NOT NULL,
    routing TEXT NOT NULL,
    bank_reference TEXT NOT NULL UNIQUE,
    reason TEXT,
    accepted_at TEXT NOT NULL,
    settles_at REAL NOT NULL,
    PRIMARY KEY (bank, reference),
    UNIQUE (bank, idempotency_key)
) STRICT;
CREATE INDEX IF NOT EXISTS payouts_to_settle ON payouts (settles_at) WHERE status = 'ACCEPTED';

-- Attempts to create payouts that simulate a failure, by the payout's reference.
CREATE TABLE IF NOT EXISTS payout_attempts (
    bank TEXT NOT NULL,
    reference TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (bank, reference)
) STRICT;

CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    bank TEXT NOT NULL,
    {COLUMNS}
) STRICT;
CREATE INDEX IF NOT EXISTS webhooks_to_send ON webhooks (due_at) WHERE status = 'PENDING';

CREATE TABLE IF NOT EXISTS modes (
    bank TEXT PRIMARY KEY,
    mode TEXT NOT NULL
) STRICT;
"""
