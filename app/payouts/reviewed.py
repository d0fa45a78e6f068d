"""Payouts that wait for a review: they are created when it releases them."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.common.money import format_minor
from app.payouts import service
from app.risk.models import RiskCase
from app.risk.screening import Reviewed
from app.wallets import service as wallets
from app.wallets.holds import lifecycle
from app.wallets.models import HoldStatus
from app.wallets.movements.movement import Review
from app.wallets.movements.reviewed import NO_SECOND_FACTOR, release_hold
from app.wallets.outflow import of_hold


def release(session: Session, case: RiskCase, reviewed: Reviewed) -> UUID:
    """Create the payout. Returns its id; the next sweep sends it to the bank.

    Raises HoldClosed and what `create_payout` raises, such as for a bank account that was deleted.
    """
    stored = case.payment or {}
    hold = lifecycle.require_active(session, case.hold_id)
    account = wallets.require_account(session, user_id=case.user_id, currency=case.currency)
    lifecycle.release(session, hold, account, HoldStatus.VOIDED)
    created = service.create_payout(
        session,
        user=auth.require_user(session, case.user_id),
        bank_account_id=UUID(stored["bankAccountId"]),
        currency=case.currency,
        amount=Decimal(format_minor(case.amount, case.currency)),
        minimum=Decimal(0),
        second_factor=NO_SECOND_FACTOR,
        description=stored["description"],
        reviewed=of_hold(hold, reviewed),
    )
    if isinstance(created, Review):
        raise TypeError("a payment is reviewed once")
    return created.payout.id


def reject(session: Session, case: RiskCase, *, reason: str) -> None:
    """Make the money available again. Raises HoldClosed, WalletNotFound."""
    release_hold(session, case)
