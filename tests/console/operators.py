"""Operators, and what only they see: records that contradict each other, and what failed."""

from typing import Any
from uuid import uuid4

from sqlalchemy import create_engine, text

from tests.console.helpers import Account, new_account
from tests.live import PASSWORD, LiveServer


def execute(server: LiveServer, statement: str, **values: Any) -> Any:
    """Execute SQL as the owner of the tables. Returns the first value of its rows, if any."""
    engine = create_engine(server.database.owner_url)
    with engine.begin() as connection:
        result = connection.execute(text(statement), values)
        found = result.scalar() if result.returns_rows else None
    engine.dispose()
    return found


def new_operator(server: LiveServer) -> Account:
    """An administrator, whom only the owner of the tables creates."""
    account = new_account(server)
    execute(server, "UPDATE users SET role = 'ADMIN' WHERE email = :email", email=account.email)
    answer = server.call(
        "POST", "/api/v1/auth/login", {"email": account.email, "password": PASSWORD}
    )
    return Account(account.email, answer.json["accessToken"])


def add_contradiction(server: LiveServer) -> str:
    """A report of a bank about a payment that we do not know. Returns its reference."""
    reference = uuid4().hex
    execute(
        server,
        """
        INSERT INTO inbound_events (id, provider, event_id, type, reference, amount, currency,
            body, status, attempts, next_attempt_at, last_error, received_at, processed_at)
        VALUES (gen_random_uuid(), 'HDFC', :event, 'payment.succeeded', :reference, 25000, 'USD',
            '{}', 'QUARANTINED', 1, now(), 'NOT_FOUND', now(), now())
        """,
        event=f"evt-{reference}",
        reference=reference,
    )
    return reference


def add_parked_event(server: LiveServer, sink: str = "old-mirror") -> None:
    """A sink without a relay, and an event that it could not receive."""
    execute(
        server,
        """
        INSERT INTO event_sinks (name, position, gaps, created_at, problem)
        VALUES (:sink, 0, '[]', now(), 'The address of the mirror does not answer')
        ON CONFLICT DO NOTHING
        """,
        sink=sink,
    )
    execute(
        server,
        """
        INSERT INTO held_events (sink, event_id, sequence, type, aggregate_id, status, attempts,
            reason, failed_at)
        SELECT :sink, id, sequence, type, aggregate_id, 'PARKED', 12, 'ConnectionError', now()
        FROM outbox_events ORDER BY sequence LIMIT 1
        """,
        sink=sink,
    )


def add_refused_refund(server: LiveServer, order_id: str) -> str:
    """A refund that the payment provider refuses to make. Returns its ID."""
    refund_id: str = execute(
        server,
        """
        INSERT INTO refunds (id, order_id, merchant_id, initiator_id, amount, currency, fee, units,
            restored_units, reason, destination, status, failure_reason, created_at, attempts,
            next_attempt_at, flagged_at)
        SELECT gen_random_uuid(), id, merchant_id, merchant_id, amount, currency, 0, 0, 0,
            'Bought twice', 'GATEWAY', 'PENDING', 'charge_disputed', now(), 3,
            now() + interval '1 hour', now()
        FROM orders WHERE id = :order RETURNING id::text
        """,
        order=order_id,
    )
    return refund_id
