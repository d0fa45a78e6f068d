"""The table `webhooks`: what is still to be told, written with what it tells."""

import random
import sqlite3
import time

from sandbox.common.modes import Mode

_OVERTAKING_SECONDS = 0.1
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 300.0

#: Of a table with these columns; there may be more.
COLUMNS = """
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
"""


def ahead_of(waiting: float | None, *, now: float, reorder_seconds: float) -> float:
    """When to send a reordered webhook. waiting: when the next that waits already is due."""
    return now + reorder_seconds if waiting is None else waiting - _OVERTAKING_SECONDS


def overtakable(now: float) -> tuple[str, float]:
    """What a webhook must be to be overtaken: its mode, and due after that."""
    return Mode.REORDERED, now + _OVERTAKING_SECONDS


def note_answer(
    connection: sqlite3.Connection,
    webhook: sqlite3.Row,
    *,
    status: int,
    text: str,
    give_up_seconds: float,
) -> None:
    """Write down what the merchant answered, and when to try again unless that settles it.

    status: of HTTP, 0 when there was no answer. A forgery is not repeated once it was answered.
    """
    attempts = webhook["attempts"] + 1
    now = time.time()
    if 200 <= status < 300:
        outcome = "DELIVERED"
    elif webhook["forged"] and status:
        outcome = "REFUSED"
    elif now - webhook["created_at"] >= give_up_seconds:
        outcome = "GIVEN_UP"
    else:
        outcome = "PENDING"
    connection.execute(
        "UPDATE webhooks SET status = ?, attempts = ?, answer = ?, due_at = ? WHERE id = ?",
        (outcome, attempts, text, now + _pause(attempts), webhook["id"]),
    )


def _pause(attempts: int) -> float:
    """Twice as long each time; half of it by chance, so that not everybody comes back at once."""
    longest = min(_FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, 20), _LONGEST_PAUSE_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - no secret
