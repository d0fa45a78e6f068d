"""The mails that were received."""

import sqlite3
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Final

from sandbox.common.store import Store, timestamp

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    source BLOB NOT NULL,
    received INTEGER NOT NULL DEFAULT 1,
    received_at TEXT NOT NULL,
    UNIQUE (message_id, recipient)
) STRICT;
"""

_COLUMNS: Final = "id, recipient, subject, body, received, received_at"


def add(store: Store, *, source: bytes, recipients: list[str], max_mails: int) -> None:
    """Store a mail for each recipient. One that was received before is only counted."""
    mail = parse(source)
    with store.write_transaction() as connection:
        for recipient in recipients:
            connection.execute(
                "INSERT INTO mails (message_id, recipient, subject, body, source, received_at)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (message_id, recipient) DO UPDATE SET received = received + 1",
                (
                    str(mail["Message-ID"] or timestamp()),
                    recipient,
                    str(mail["Subject"] or ""),
                    part(mail, "plain") or "",
                    source,
                    timestamp(),
                ),
            )
        connection.execute(
            "DELETE FROM mails WHERE id <= (SELECT max(id) FROM mails) - ?", (max_mails,)
        )


def search(store: Store, text: str, *, before: int | None, limit: int) -> list[sqlite3.Row]:
    """Mails whose recipient, subject or text contains `text`, newest first. before: an id."""
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    with store.read_transaction() as connection:
        return connection.execute(
            f"SELECT {_COLUMNS} FROM mails WHERE (? IS NULL OR id < ?)"  # noqa: S608 – ours
            " AND (recipient LIKE ? ESCAPE '\\' OR subject LIKE ? ESCAPE '\\'"
            " OR body LIKE ? ESCAPE '\\') ORDER BY id DESC LIMIT ?",
            (before, before, pattern, pattern, pattern, limit),
        ).fetchall()


def get(store: Store, mail_id: int) -> sqlite3.Row | None:
    """The mail with its source."""
    with store.read_transaction() as connection:
        row: sqlite3.Row | None = connection.execute(
            f"SELECT {_COLUMNS}, source FROM mails WHERE id = ?",  # noqa: S608 – ours
            (mail_id,),
        ).fetchone()
    return row


def clear(store: Store) -> None:
    """Delete all mails."""
    with store.write_transaction() as connection:
        connection.execute("DELETE FROM mails")


def parse(source: bytes) -> EmailMessage:
    return message_from_bytes(source, _class=EmailMessage, policy=default)


def part(mail: EmailMessage, subtype: str) -> str | None:
    """The text of a mail as `plain` or `html`, None without."""
    found = mail.get_body((subtype,))
    return None if found is None else str(found.get_content())
