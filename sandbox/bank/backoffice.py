"""What the bank does by itself: it settles payouts, and reports."""

import sqlite3

from sandbox.bank import payouts, webhooks
from sandbox.bank.config import Config
from sandbox.bank.signing import signed_headers
from sandbox.common import outbox
from sandbox.common.office import Office
from sandbox.common.store import Store

_WRONG_KEY = b"the key of nobody, for forgeries"


class BackOffice(Office):
    def __init__(self, config: Config, store: Store) -> None:
        super().__init__(store)
        self._config = config

    def do_chores(self) -> None:
        payouts.settle_due(self._store, self._config)

    def next_chore(self, connection: sqlite3.Connection) -> float | None:
        return payouts.next_settlement(connection, self._config)

    def pending(self, connection: sqlite3.Connection) -> list[sqlite3.Row]:
        return webhooks.pending(connection, self._config)

    def envelope(self, webhook: sqlite3.Row) -> tuple[str, dict[str, str]]:
        provider = self._config.providers[webhook["bank"].lower()]
        key = _WRONG_KEY if webhook["forged"] else provider.keys[0]
        headers = signed_headers(key, message_id=webhook["message_id"], body=webhook["body"])
        return self._config.webhook_address(provider), headers

    def note_answer(
        self, connection: sqlite3.Connection, webhook: sqlite3.Row, *, status: int, text: str
    ) -> None:
        outbox.note_answer(
            connection,
            webhook,
            status=status,
            text=text,
            give_up_seconds=self._config.give_up_seconds,
        )
