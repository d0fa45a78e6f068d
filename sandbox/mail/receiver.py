"""Receives mails over SMTP."""

import asyncio
import threading
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.common.background import Background
from sandbox.common.store import Store
from sandbox.mail import store as mails
from sandbox.mail.config import Config

_START_SECONDS: Final = 10.0
_MAX_BYTES: Final = 10_000_000
#: Replies to recipients whose address begins with these words.
_REFUSALS: Final = {
    "refused": "550 5.1.1 No such mailbox here",
    "deferred": "451 4.2.1 Mailbox busy, try again later",
}


class _Controller(Controller):
    """A controller that may listen on any free port."""

    def _trigger_server(self) -> None:
        if isinstance(self.server, asyncio.Server):
            self.port = int(self.server.sockets[0].getsockname()[1])
        super()._trigger_server()  # type: ignore[no-untyped-call]


class Receiver(Background):
    """The SMTP server, in a thread of its own."""

    def __init__(self, config: Config, store: Store) -> None:
        self._controller = _Controller(
            _Handler(config, store),
            hostname=config.host,
            port=config.smtp_port,
            data_size_limit=_MAX_BYTES,
            enable_SMTPUTF8=True,
            ident="mail catcher",
        )
        self._started = threading.Event()

    def wait_for_port(self) -> int:
        """The port that it listens on, once it has started."""
        self._started.wait(_START_SECONDS)
        return int(self._controller.port)

    def start(self) -> None:
        self._controller.start()
        self._started.set()

    def stop(self) -> None:
        self._controller.stop()

    def wake(self) -> None:
        """It never sleeps."""


class _Handler:
    """What aiosmtpd calls. The names are those of its hooks."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        for word, reply in _REFUSALS.items():
            if address.startswith(word):
                return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        source = envelope.content
        mails.add(
            self._store,
            source=source if isinstance(source, bytes) else (source or "").encode(),
            recipients=envelope.rcpt_tos,
            max_mails=self._config.max_mails,
        )
        return "250 OK"
