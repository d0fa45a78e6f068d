"""Accounts and entries. Every movement is one entry that takes from one account for another."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from sandbox.common.money import CURRENCIES
from sandbox.common.store import timestamp

Kind = Literal["CUSTOMER", "MERCHANT", "BENEFICIARY"]

#: What the merchant can pay out before anybody has paid it anything, in units of the currency.
MERCHANT_OPENING = 10_000_000


class NotEnough(Exception):
    """The account does not have that much. available: in minor units."""

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
        """As the bank prints it for people: only the end."""
        number = self.owner if self.kind == "BENEFICIARY" else f"{self.id:04}"
        return f"•••• {number[-4:]}"


@dataclass(frozen=True)
class Movement:
    """What an entry is for. kind: PAYMENT or PAYOUT."""

    kind: str
    reference: str
    bank_reference: str


def require_account(
    connection: sqlite3.Connection,
    *,
    bank: str,
    kind: Kind,
    owner: str,
    label: str,
    currency: str,
    opening: int = 0,
) -> Account:
    """The owner's account, opened at first sight. opening: what it then has, in units."""
    found = _account(connection, bank, kind, owner, currency)
    if found is not None:
        return found
    account = _open(connection, bank, kind, owner, label, currency)
    if opening:
        capital = _account(connection, bank, "CAPITAL", "bank", currency) or _open(
            connection, bank, "CAPITAL", "bank", "The bank itself", currency
        )
        _book(
            connection,
            Movement("OPENING", reference=f"account-{account.id}", bank_reference="OPENING"),
            payer=capital,
            payee=account,
            amount=opening * 10 ** CURRENCIES[currency].decimals,
        )
    return account


def merchant_account(
    connection: sqlite3.Connection, *, bank: str, merchant: str, currency: str
) -> Account:
    """The account of the merchant, for which the bank takes and makes payments."""
    return require_account(
        connection,
        bank=bank,
        kind="MERCHANT",
        owner="merchant",
        label=merchant,
        currency=currency,
        opening=MERCHANT_OPENING,
    )


def move(
    connection: sqlite3.Connection,
    movement: Movement,
    *,
    payer: Account,
    payee: Account,
    amount: int,
) -> None:
    """Take from one account for another. amount: minor units. Raises NotEnough."""
    available = balance(connection, payer)
    if available < amount:
        raise NotEnough(available)
    _book(connection, movement, payer=payer, payee=payee, amount=amount)


def balance(connection: sqlite3.Connection, account: Account) -> int:
    """What the account has, in minor units."""
    total: int = connection.execute(
        """
        SELECT (SELECT coalesce(sum(amount), 0) FROM entries WHERE to_account = :id)
             - (SELECT coalesce(sum(amount), 0) FROM entries WHERE from_account = :id)
        """,
        {"id": account.id},
    ).fetchone()[0]
    return total


def all_accounts(connection: sqlite3.Connection, *, bank: str) -> list[tuple[Account, int]]:
    """Every account of a bank with its balance: its own ones first, then the newest."""
    rows = connection.execute(
        """
        SELECT id, bank, kind, owner, label, currency FROM accounts WHERE bank = ?
        ORDER BY kind NOT IN ('CAPITAL', 'MERCHANT'), id DESC
        """,
        (bank,),
    )
    return [(account, balance(connection, account)) for account in (Account(*row) for row in rows)]


def booked(
    connection: sqlite3.Connection, *, bank: str, first_day: str, last_day: str
) -> list[sqlite3.Row]:
    """The merchant's entries of some days (ISO dates in UTC, both included), oldest first."""
    return connection.execute(
        """
        SELECT substr(booked_at, 1, 10) AS date, reference, bank_reference, kind, amount, currency
        FROM entries
        WHERE bank = ? AND kind <> 'OPENING' AND substr(booked_at, 1, 10) BETWEEN ? AND ?
        ORDER BY id
        """,
        (bank, first_day, last_day),
    ).fetchall()


def _account(
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


def _open(
    connection: sqlite3.Connection, bank: str, kind: str, owner: str, label: str, currency: str
) -> Account:
    cursor = connection.execute(
        "INSERT INTO accounts (bank, kind, owner, label, currency) VALUES (?, ?, ?, ?, ?)",
        (bank, kind, owner, label, currency),
    )
    return Account(int(cursor.lastrowid or 0), bank, kind, owner, label, currency)


def _book(
    connection: sqlite3.Connection,
    movement: Movement,
    *,
    payer: Account,
    payee: Account,
    amount: int,
) -> None:
    if (payer.bank, payer.currency) != (payee.bank, payee.currency):
        raise ValueError("An entry stays within one bank and one currency.")
    connection.execute(
        """
        INSERT INTO entries (bank, kind, reference, bank_reference, from_account, to_account,
            amount, currency, booked_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            payer.bank,
            movement.kind,
            movement.reference,
            movement.bank_reference,
            payer.id,
            payee.id,
            amount,
            payer.currency,
            timestamp(),
        ),
    )
