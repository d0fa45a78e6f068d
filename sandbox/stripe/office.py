"""What the gateway does by itself: checkouts expire, refunds go through, and it reports."""

import sqlite3

from sandbox.common import outbox
from sandbox.common.office import Office
from sandbox.common.store import Store
from sandbox.stripe import checkouts, refunds, webhooks
from sandbox.stripe.config import Config
from sandbox.stripe.problems import Problem
from sandbox.stripe.signing import signature_header

_WRONG_SECRET = "whsec_of_nobody_for_forgeries"  # noqa: S105 - a wrong one is no secret


class BackOffice(Office):
    def __init__(self, config: Config, store: Store) -> None:
        super().__init__(store)
        self._config = config

    def do_chores(self) -> None:
        self._expire_overdue()
        refunds.change_due(self._store, self._config)

    def _expire_overdue(self) -> None:
        with self._store.reading() as connection:
            overdue = checkouts.overdue(connection)
        for session_id in overdue:
            with self._store.writing() as connection:
                try:
                    checkouts.expire(connection, self._config, session_id)
                except Problem:  # the merchant was quicker
                    continue

    def next_chore(self, connection: sqlite3.Connection) -> float | None:
        due = (checkouts.next_expiry(connection), refunds.next_change(connection))
        return min((moment for moment in due if moment is not None), default=None)

    def pending(self, connection: sqlite3.Connection) -> list[sqlite3.Row]:
        return webhooks.pending(connection)

    def envelope(self, webhook: sqlite3.Row) -> tuple[str, dict[str, str]]:
        secret = _WRONG_SECRET if webhook["forged"] else self._config.webhook_secret
        header = signature_header(secret, webhook["body"])
        return self._config.webhook_url, {"Stripe-Signature": header}

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
