"""The webhook mode of each bank."""

import sqlite3

from sandbox.common.modes import Mode

#: What each mode does, as shown on pages.
DESCRIPTIONS = {
    Mode.NORMAL: "one webhook, immediately",
    Mode.SLOW: "the webhook arrives a few seconds late",
    Mode.DUPLICATE: "the same webhook three times at the same time",
    Mode.REORDERED: "the webhook waits, and later events are sent before it",
    Mode.FORGED: "first a webhook with a wrong signature, user and amount, then the genuine one",
    Mode.WRONG_AMOUNT: "a correctly signed webhook with ten times the amount",
    Mode.SILENT: "no webhook; only the statement and the payout status show the outcome",
}


def get_mode(connection: sqlite3.Connection, bank: str) -> Mode:
    """The mode of events for which no other mode was selected."""
    row = connection.execute("SELECT mode FROM modes WHERE bank = ?", (bank,)).fetchone()
    return Mode(row["mode"]) if row else Mode.NORMAL


def set_mode(connection: sqlite3.Connection, bank: str, mode: Mode) -> None:
    """Set the bank's mode; it persists across restarts."""
    connection.execute(
        "INSERT INTO modes (bank, mode) VALUES (?, ?) ON CONFLICT (bank) DO UPDATE SET mode = ?",
        (bank, mode, mode),
    )
