"""The mail catcher of the sandbox, in this process."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from sandbox.common.server import Server
from sandbox.mail import store
from sandbox.mail.app import create_app
from sandbox.mail.config import Config
from sandbox.mail.receiver import Receiver
from tests.simulators import serving


@dataclass(frozen=True)
class MailCatcher:
    """Where mails go. smtp_port: where it listens; url: of its page."""

    server: Server
    smtp_port: int
    url: str

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator["MailCatcher"]:
        app = create_app(Config(data_dir=folder, port=0, smtp_port=0))
        with serving(app) as server:
            receiver = server.simulator.worker
            assert isinstance(receiver, Receiver)
            yield cls(server, receiver.wait_for_port(), server.address)

    @property
    def mails(self) -> list[EmailMessage]:
        """All mails, in the order of arrival."""
        return [store.parse(source) for source in self.sources]

    @property
    def sources(self) -> list[bytes]:
        """The same as they were received."""
        rows = store.search(self.server.simulator.store, "", before=None, limit=1000)
        found = [store.get(self.server.simulator.store, row["id"]) for row in reversed(rows)]
        return [row["source"] for row in found if row is not None]

    def received(self) -> dict[str, int]:
        """How often each mail was received, by its Message-ID."""
        with self.server.simulator.store.read_transaction() as connection:
            rows = connection.execute("SELECT message_id, received FROM mails").fetchall()
        return {row["message_id"]: row["received"] for row in rows}

    def mails_to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]


def text_of(mail: EmailMessage) -> str:
    """The text of a mail, with its line breaks as spaces."""
    return re.sub(r"\s+", " ", store.part(mail, "plain") or "")


def html_of(mail: EmailMessage) -> str:
    return store.part(mail, "html") or ""
