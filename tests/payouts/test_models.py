"""The constraints and triggers of payouts."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.common.db import transaction
from app.payouts import tasks
from tests import factories
from tests.fake_bank import FakeBank
from tests.payouts.helpers import payout_row, pending_payout


def change(payout_id: UUID, what: str) -> None:
    with transaction() as session:
        factories.as_owner(session, f"UPDATE payouts SET {what} WHERE id = '{payout_id}'")


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
def test_the_request_cannot_be_changed_and_the_columns_stay_consistent(
    client: FlaskClient, what: str
) -> None:
    payout_id = pending_payout(client, factories.buyer())
    with pytest.raises(IntegrityError):
        change(payout_id, what)


@pytest.mark.parametrize(
    "what",
    [
        "status = 'PENDING', settled_at = NULL, next_attempt_at = now(), reason = NULL",
        "status = 'PAID', reason = NULL",
    ],
)
def test_the_outcome_cannot_be_changed(client: FlaskClient, bank: FakeBank, what: str) -> None:
    payout_id = pending_payout(client, factories.buyer())
    bank.status = "REFUSED"
    tasks.advance(payout_id)
    with pytest.raises(IntegrityError):
        change(payout_id, what)
    assert payout_row(payout_id).status == "REFUSED"


def test_a_payout_is_posted_once(client: FlaskClient, bank: FakeBank) -> None:
    payout_id = pending_payout(client, factories.buyer())
    bank.status = "PAID"
    tasks.advance(payout_id)
    again = text(
        "INSERT INTO journal_entries (id, kind, reference_type, reference_id, created_at)"
        " VALUES (gen_random_uuid(), 'PAYOUT', 'payout', :id, now())"
    )
    with pytest.raises(IntegrityError, match="uq_journal_entries_payout"), transaction() as session:
        session.execute(again, {"id": payout_id})
