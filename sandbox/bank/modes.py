"""How the bank is set to report."""

import sqlite3

from sandbox.common.modes import Mode

#: What each does, for people.
MEANINGS = {
    Mode.NORMAL: "one webhook, at once",
    Mode.SLOW: "the webhook comes some seconds late",
    Mode.DUPLICATE: "the same webhook three times at the same moment",
    Mode.REORDERED: "the webhook waits, and whatever happens meanwhile is sent before it",
    Mode.FORGED: "first a webhook with a wrong signature, user and amount, then the true one",
    Mode.WRONG_AMOUNT: "a well signed webhook that names ten times the amount",
    Mode.SILENT: "no webhook; only the statement and the status of a payout tell",
}


def mode_of(connection: sqlite3.Connection, bank: str) -> Mode:
    """How the bank reports what nobody chose another mode for."""
    row = connection.execute("SELECT mode FROM modes WHERE bank = ?", (bank,)).fetchone()
    return Mode(row["mode"]) if row else Mode.NORMAL


def set_mode(connection: sqlite3.Connection, bank: str, mode: Mode) -> None:
    """Have the bank report like this from now on, also after a restart."""
    connection.execute(
        "INSERT INTO modes (bank, mode) VALUES (?, ?) ON CONFLICT (bank) DO UPDATE SET mode = ?",
        (bank, mode, mode),
    )
