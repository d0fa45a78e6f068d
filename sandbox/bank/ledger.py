"""Accounts and entries. Every entry debits one account and credits another."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from sandbox.common.money import CURRENCIES
from sandbox.common.store import timestamp

Kind = Literal["CUSTOMER", "MERCHANT", "BENEFICIARY"]

#: Opening balance of the merchant's account, in units of the currency.
MERCHANT_OPENING_BALANCE = 10_000_000


class InsufficientFunds(Exception):
    """The balance is too low. available: minor units."""

    def __init__(self, available: int) -> None:
        super().__init__(f"{available} available")
        self.available = available


@dataclass(frozen=True)
class Account:
    id: int
    bank: str
    kind: str
    owner: str
    label: str
    currency: str

    @property
    def number(self) -> str:
        """The masked account number."""
        number = self.owner if self.kind == "BENEFICIARY" else f"{self.id:04}"
        return f"•••• {number[-4:]}"


@dataclass(frozen=True)
class Transfer:
    """The reason for an entry. kind: PAYMENT or PAYOUT."""

    kind: str
    reference: str
    bank_reference: str


def get_or_open_account(
    connection: sqlite3.Connection,
    *,
    bank: str,
    kind: Kind,
    owner: str,
    label: str,
    currency: str,
    opening_balance: int = 0,
) -> Account:
    """The owner's account, opened on first use.

    opening_balance: of a new account, in units of the currency.
    """
    found = _find_account(connection, bank, kind, owner, currency)
    if found is not None:
        return found
    account = _open_account(connection, bank, kind, owner, label, currency)
    if opening_balance:
        capital = _find_account(connection, bank, "CAPITAL", "bank", currency) or _open_account(
            connection, bank, "CAPITAL", "bank", "Bank capital", currency
        )
        _insert_entry(
            connection,
            Transfer("OPENING", reference=f"account-{account.id}", bank_reference="OPENING"),
            payer=capital,
            payee=account,
            amount=opening_balance * 10 ** CURRENCIES[currency].decimals,
        )
    return account


def merchant_account(
    connection: sqlite3.Connection, *, bank: str, merchant: str, currency: str
) -> Account:
    """The merchant's account, opened on first use."""
    return get_or_open_account(
        connection,
        bank=bank,
        kind="MERCHANT",
        owner="merchant",
        label=merchant,
        currency=currency,
        opening_balance=MERCHANT_OPENING_BALANCE,
    )


def transfer(
    connection: sqlite3.Connection,
    transfer: Transfer,
    *,
    payer: Account,
    payee: Account,
    amount: int,
) -> None:
    """Move money between two accounts. amount: minor units. Raises InsufficientFunds."""
    available = balance(connection, payer)
    if available < amount:
        raise InsufficientFunds(available)
    _insert_entry(connection, transfer, payer=payer, payee=payee, amount=amount)


def balance(connection: sqlite3.Connection, account: Account) -> int:
    """The balance in minor units."""
    total: int = connection.execute(
        """
        SELECT (SELECT coalesce(sum(amount), 0) FROM entries WHERE to_account = :id)
             - (SELECT coalesce(sum(amount), 0) FROM entries WHERE from_account = :id)
        """,
        {"id": account.id},
    ).fetchone()[0]
    return total


def list_accounts(connection: sqlite3.Connection, *, bank: str) -> list[tuple[Account, int]]:
    """Every account of a bank with its balance: capital and merchant first, then the newest."""
    rows = connection.execute(
        """
        SELECT id, bank, kind, owner, label, currency FROM accounts WHERE bank = ?
        ORDER BY kind NOT IN ('CAPITAL', 'MERCHANT'), id DESC
        """,
        (bank,),
    )
    return [(account, balance(connection, account)) for account in (Account(*row) for row in rows)]


def list_entries(
    connection: sqlite3.Connection, *, bank: str, first_day: str, last_day: str
) -> list[sqlite3.Row]:
    """The merchant's entries from first_day to last_day (ISO dates in UTC, inclusive), oldest
    first."""
    return connection.execute(
        """
        SELECT substr(booked_at, 1, 10) AS date, reference, bank_reference, kind, amount, currency
        FROM entries
        WHERE bank = ? AND kind <> 'OPENING' AND substr(booked_at, 1, 10) BETWEEN ? AND ?
        ORDER BY id
        """,
        (bank, first_day, last_day),
    ).fetchall()


def _find_account(
    connection: sqlite3.Connection, bank: str, kind: str, owner: str, currency: str
) -> Account | None:
    row = connection.execute(
        """
        SELECT id, bank, kind, owner, label, currency FROM accounts
        WHERE bank = ? AND kind = ? AND owner = ? AND currency = ?
        """,
        (bank, kind, owner, currency),
    ).fetchone()
    return Account(*row) if row else None


def _open_account(
    connection: sqlite3.Connection, bank: str, kind: str, owner: str, label: str, currency: str
) -> Account:
    cursor = connection.execute(
        "INSERT INTO accounts (bank, kind, owner, label, currency) VALUES (?, ?, ?, ?, ?)",
        (bank, kind, owner, label, currency),
    )
    return Account(int(cursor.lastrowid or 0), bank, kind, owner, label, currency)


def _insert_entry(
    connection: sqlite3.Connection,
    transfer: Transfer,
    *,
    payer: Account,
    payee: Account,
    amount: int,
) -> None:
    if (payer.bank, payer.currency) != (payee.bank, payee.currency):
        raise ValueError("Both accounts of an entry must have the same bank and currency.")
    connection.execute(
        """
        INSERT INTO entries (bank, kind, reference, bank_reference, from_account, to_account,
            amount, currency, booked_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            payer.bank,
            transfer.kind,
            transfer.reference,
            transfer.bank_reference,
            payer.id,
            payee.id,
            amount,
            payer.currency,
            timestamp(),
        ),
    )
