"""The gateway's webhook mode and the fault that it simulates in responses."""

import sqlite3
from enum import StrEnum

from sandbox.common.modes import Mode

#: What each mode does, as shown on pages.
MODES = {
    Mode.NORMAL: "each webhook once, immediately",
    Mode.SLOW: "webhooks arrive a few seconds late",
    Mode.DUPLICATE: "the same webhook three times at the same time",
    Mode.REORDERED: "webhooks wait, and later events are sent before them",
    Mode.FORGED: "first a webhook with a wrong signature and amount, then the genuine one",
    Mode.WRONG_AMOUNT: "a correctly signed webhook with ten times the amount",
    Mode.SILENT: "no webhook; only a request shows the outcome",
}


class Fault(StrEnum):
    NONE = "none"
    SERVER_ERROR = "stumble"
    TIMEOUT = "time-out"
    LOST_RESPONSE = "lost-answer"


#: What each fault does to API responses, as shown on pages.
FAULTS = {
    Fault.NONE: "responds normally",
    Fault.SERVER_ERROR: "responds with 500 and does nothing",
    Fault.TIMEOUT: "executes the request, but responds after half a minute",
    Fault.LOST_RESPONSE: "executes the request, and drops the connection",
}


def create_default(connection: sqlite3.Connection) -> None:
    """Set normal behaviour on the first start; later starts keep what was set."""
    connection.execute(
        "INSERT OR IGNORE INTO behaviour (id, mode, fault) VALUES (1, ?, ?)",
        (Mode.NORMAL, Fault.NONE),
    )


def get_mode(connection: sqlite3.Connection) -> Mode:
    """The mode of events for which no other mode was selected."""
    return Mode(connection.execute("SELECT mode FROM behaviour").fetchone()["mode"])


def get_fault(connection: sqlite3.Connection) -> Fault:
    """The current fault. Does not count as a request."""
    return Fault(connection.execute("SELECT fault FROM behaviour").fetchone()["fault"])


def set_mode(connection: sqlite3.Connection, mode: Mode) -> None:
    """Set the webhook mode; it persists across restarts."""
    connection.execute("UPDATE behaviour SET mode = ?", (mode,))


def set_fault(connection: sqlite3.Connection, fault: Fault, *, times: int | None) -> None:
    """Set the fault; it persists across restarts. times: number of requests; None: no limit."""
    connection.execute("UPDATE behaviour SET fault = ?, times = ?", (fault, times))


def consume_fault(connection: sqlite3.Connection) -> Fault:
    """The fault for one request, which counts against its limit."""
    row = connection.execute("SELECT fault, times FROM behaviour").fetchone()
    if row["times"] is not None:
        left = row["times"] - 1
        set_fault(
            connection, Fault(row["fault"]) if left else Fault.NONE, times=left if left else None
        )
    return Fault(row["fault"])
