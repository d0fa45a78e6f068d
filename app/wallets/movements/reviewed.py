"""Executing movements that were held for a review."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.service import Caller
from app.auth.two_factor.service import SecondFactor
from app.risk.models import RiskCase
from app.risk.screening import Reviewed
from app.wallets import service as wallets
from app.wallets.holds import lifecycle
from app.wallets.models import HoldStatus
from app.wallets.movements.movement import Movement
from app.wallets.movements.service import perform

#: Of what was authorized before its review, with a code if it needed one.
NO_SECOND_FACTOR: Final = SecondFactor(Decimal(0))


@dataclass(frozen=True, slots=True)
class ReviewedMovements:
    """Executes the movements of one kind (`cases.Executor`).

    restore: the movement of a case; id_of: the id of what it has created, from its result.
    """

    restore: Callable[[RiskCase], Movement[Any, Any]]
    id_of: Callable[[Any], UUID]

    def release(self, session: Session, case: RiskCase, reviewed: Reviewed) -> UUID:
        hold = lifecycle.require_active(session, case.hold_id)
        payer = auth.require_user(session, case.user_id)
        caller = Caller(payer.id, payer.email, payer.role)
        released = perform(session, self.restore(case), caller, reviewed=(hold, reviewed))
        return self.id_of(released)

    def reject(self, session: Session, case: RiskCase, *, reason: str) -> None:
        release_hold(session, case)


def release_hold(session: Session, case: RiskCase) -> None:
    """End the hold of a case. Raises HoldClosed, WalletNotFound."""
    hold = lifecycle.require_active(session, case.hold_id)
    account = wallets.require_account(session, user_id=case.user_id, currency=case.currency)
    lifecycle.release(session, hold, account, HoldStatus.VOIDED)
