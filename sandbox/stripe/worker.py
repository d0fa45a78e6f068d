"""The gateway's background work: expiring checkouts, settling refunds and delivering webhooks."""

import sqlite3

from sandbox.common.store import Store
from sandbox.common.worker import Worker
from sandbox.stripe import checkouts, refunds, webhooks
from sandbox.stripe.config import Config
from sandbox.stripe.errors import ApiError
from sandbox.stripe.signing import signature_header

_FORGERY_SECRET = "whsec_that_no_gateway_uses"  # noqa: S105 - deliberately wrong


class GatewayWorker(Worker):
    def __init__(self, config: Config, store: Store) -> None:
        super().__init__(store, give_up_seconds=config.give_up_seconds)
        self._config = config

    def run_due(self) -> None:
        self._expire_overdue()
        refunds.settle_due(self._store, self._config)

    def _expire_overdue(self) -> None:
        with self._store.read_transaction() as connection:
            overdue = checkouts.list_overdue(connection)
        for session_id in overdue:
            with self._store.write_transaction() as connection:
                try:
                    checkouts.expire(connection, self._config, session_id)
                except ApiError:  # It was paid or expired meanwhile.
                    continue

    def next_due_at(self, connection: sqlite3.Connection) -> float | None:
        due = (checkouts.next_expiry_at(connection), refunds.next_settlement_at(connection))
        return min((moment for moment in due if moment is not None), default=None)

    def pending_webhooks(self, connection: sqlite3.Connection) -> list[sqlite3.Row]:
        return webhooks.pending(connection)

    def sign(self, webhook: sqlite3.Row) -> tuple[str, dict[str, str]]:
        secret = _FORGERY_SECRET if webhook["forged"] else self._config.webhook_secret
        header = signature_header(secret, webhook["body"])
        return self._config.webhook_url, {"Stripe-Signature": header}
