"""What the database itself does not let happen to a payout."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.common.db import transaction
from app.payouts import tasks
from tests import factories
from tests.fake_bank import FakeBank
from tests.payouts.helpers import pending, row


def change(payout_id: UUID, what: str) -> None:
    with transaction() as session:
        session.execute(
            text(f"UPDATE payouts SET {what} WHERE id = :id"),
            {"id": payout_id},
        )


@pytest.mark.parametrize(
    "what",
    [
        "amount = amount + 1",
        "currency = 'EUR'",
        "provider = 'AXIS'",
        "bank_account_id = gen_random_uuid()",
        "hold_id = gen_random_uuid()",
        "status = 'SUBMITTED'",
        "status = 'PAID'",
        "reason = 'no'",
        "status = 'LOST'",
    ],
)
def test_what_was_asked_for_and_what_belongs_together_stays(client: FlaskClient, what: str) -> None:
    payout_id = pending(client, factories.buyer())
    with pytest.raises(IntegrityError):
        change(payout_id, what)


@pytest.mark.parametrize(
    "what",
    [
        "status = 'PENDING', settled_at = NULL, next_attempt_at = now(), reason = NULL",
        "status = 'PAID', reason = NULL",
    ],
)
def test_what_has_ended_stays_so(client: FlaskClient, bank: FakeBank, what: str) -> None:
    payout_id = pending(client, factories.buyer())
    bank.verdict = "REFUSED"
    tasks.advance(payout_id)
    with pytest.raises(IntegrityError):
        change(payout_id, what)
    assert row(payout_id).status == "REFUSED"


def test_a_payout_is_posted_once(client: FlaskClient, bank: FakeBank) -> None:
    payout_id = pending(client, factories.buyer())
    bank.verdict = "PAID"
    tasks.advance(payout_id)
    again = text(
        "INSERT INTO journal_entries (id, kind, reference_type, reference_id, created_at)"
        " VALUES (gen_random_uuid(), 'PAYOUT', 'payout', :id, now())"
    )
    with pytest.raises(IntegrityError, match="uq_journal_entries_payout"), transaction() as session:
        session.execute(again, {"id": payout_id})
