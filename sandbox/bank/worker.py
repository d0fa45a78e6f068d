"""The bank's background work: settling payouts and delivering webhooks."""

import sqlite3

from sandbox.bank import payouts, webhooks
from sandbox.bank.config import Config
from sandbox.bank.signing import signed_headers
from sandbox.common.store import Store
from sandbox.common.worker import Worker

_FORGERY_KEY = b"a key that no bank uses"


class BankWorker(Worker):
    def __init__(self, config: Config, store: Store) -> None:
        super().__init__(store, give_up_seconds=config.give_up_seconds)
        self._config = config

    def run_due(self) -> None:
        payouts.settle_due(self._store, self._config)

    def next_due_at(self, connection: sqlite3.Connection) -> float | None:
        return payouts.next_settlement_at(connection, self._config)

    def pending_webhooks(self, connection: sqlite3.Connection) -> list[sqlite3.Row]:
        return webhooks.pending(connection, self._config)

    def sign(self, webhook: sqlite3.Row) -> tuple[str, dict[str, str]]:
        provider = self._config.providers[webhook["bank"].lower()]
        key = _FORGERY_KEY if webhook["forged"] else provider.keys[0]
        headers = signed_headers(key, message_id=webhook["message_id"], body=webhook["body"])
        return self._config.webhook_url_of(provider), headers
