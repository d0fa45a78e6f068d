"""How the gateway is set to report and to answer: well, or as gateways do on bad days."""

import sqlite3
from enum import StrEnum

from sandbox.common.modes import Mode

#: What each way to report does, for people.
MODES = {
    Mode.NORMAL: "each webhook once, at once",
    Mode.SLOW: "webhooks come some seconds late",
    Mode.DUPLICATE: "the same webhook three times at the same moment",
    Mode.REORDERED: "webhooks wait, and whatever happens meanwhile is sent before them",
    Mode.FORGED: "first a webhook with a wrong signature and amount, then the true one",
    Mode.WRONG_AMOUNT: "a well signed webhook that names ten times the amount",
    Mode.SILENT: "no webhook; only looking up tells",
}


class Fault(StrEnum):
    NONE = "none"
    STUMBLE = "stumble"
    TIME_OUT = "time-out"
    LOST_ANSWER = "lost-answer"


#: What each way to answer the merchant's programs does, for people.
FAULTS = {
    Fault.NONE: "answers",
    Fault.STUMBLE: "500, and nothing is done",
    Fault.TIME_OUT: "does what it is asked, but takes half a minute to say so",
    Fault.LOST_ANSWER: "does what it is asked, and breaks the connection",
}


def begin(connection: sqlite3.Connection) -> None:
    """Behave well, unless another behaviour was chosen before."""
    connection.execute(
        "INSERT OR IGNORE INTO behaviour (id, mode, fault) VALUES (1, ?, ?)",
        (Mode.NORMAL, Fault.NONE),
    )


def mode(connection: sqlite3.Connection) -> Mode:
    """How to report what nobody chose another mode for."""
    return Mode(connection.execute("SELECT mode FROM behaviour").fetchone()["mode"])


def fault(connection: sqlite3.Connection) -> Fault:
    """How requests are answered, when nothing uses it up."""
    return Fault(connection.execute("SELECT fault FROM behaviour").fetchone()["fault"])


def set_mode(connection: sqlite3.Connection, chosen: Mode) -> None:
    """Report like this from now on, also after a restart."""
    connection.execute("UPDATE behaviour SET mode = ?", (chosen,))


def set_fault(connection: sqlite3.Connection, chosen: Fault, *, times: int | None) -> None:
    """Answer like this from now on. times: only the next so many requests."""
    connection.execute("UPDATE behaviour SET fault = ?, times = ?", (chosen, times))


def take_fault(connection: sqlite3.Connection) -> Fault:
    """How to answer a request that is there now."""
    row = connection.execute("SELECT fault, times FROM behaviour").fetchone()
    if row["times"] is not None:
        left = row["times"] - 1
        set_fault(
            connection, Fault(row["fault"]) if left else Fault.NONE, times=left if left else None
        )
    return Fault(row["fault"])
