"""The bank's own database: one SQLite file in the data folder."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY,
    bank TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('CUSTOMER', 'MERCHANT', 'BENEFICIARY', 'CAPITAL')),
    owner TEXT NOT NULL,
    label TEXT NOT NULL,
    currency TEXT NOT NULL,
    UNIQUE (bank, kind, owner, currency)
) STRICT;

-- Double entry: what one account loses, another gains, so that all balances sum to zero.
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

-- A payment request that was decided; the open ones are known to nobody but their payers.
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

-- How often a bank has pretended to fail, by the reference of the payout.
CREATE TABLE IF NOT EXISTS stumbles (
    bank TEXT NOT NULL,
    reference TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (bank, reference)
) STRICT;

CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    bank TEXT NOT NULL,
    type TEXT NOT NULL,
    reference TEXT NOT NULL,
    body TEXT NOT NULL,
    mode TEXT NOT NULL,
    forged INTEGER NOT NULL CHECK (forged IN (0, 1)),
    status TEXT NOT NULL
        CHECK (status IN ('PENDING', 'DELIVERED', 'REFUSED', 'WITHHELD', 'GIVEN_UP')),
    attempts INTEGER NOT NULL DEFAULT 0,
    answer TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    due_at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS webhooks_to_send ON webhooks (due_at) WHERE status = 'PENDING';

CREATE TABLE IF NOT EXISTS modes (
    bank TEXT PRIMARY KEY,
    mode TEXT NOT NULL
) STRICT;
"""


class Store:
    """The file, and transactions on it. Each takes a connection of its own, as threads need."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Stays open: SQLite would fold its journal back whenever the last connection closes.
        self._first = self._connect()
        self._first.execute("PRAGMA journal_mode = WAL")
        self._first.executescript(_SCHEMA)

    def close(self) -> None:
        self._first.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One writer at a time from the first statement on; all of it is kept, or nothing."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Everything as it was at one moment."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=30, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def timestamp() -> str:
    """Now, as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
