"""Refused payments, as events tell them."""

from collections.abc import Sequence
from typing import Final

from app.common.errors import AppError
from app.common.ids import new_id
from app.events.catalogue.wallets import PaymentRefused
from app.risk.attempt import Attempt, Origin, latency_of
from app.risk.errors import RiskDeclined

#: The codes of refusals that say something about money or risk, and not about the request.
CODES: Final = frozenset(
    {
        "INSUFFICIENT_FUNDS",
        "LIMIT_EXCEEDED",
        "PRODUCT_OUT_OF_STOCK",
        "RECIPIENT_CANNOT_RECEIVE",
        "WALLET_LOCKED",
        RiskDeclined.code,
    }
)


def events_of(attempt: Attempt, error: AppError, origin: Origin | None) -> Sequence[PaymentRefused]:
    """The event of a refusal, if it has one."""
    if error.code not in CODES:
        return ()
    return [
        PaymentRefused(
            aggregate_id=new_id(),
            aggregate_version=1,
            kind=attempt.kind.value,
            user_id=attempt.user_id,
            merchant_id=attempt.merchant_id,
            payee_id=attempt.payee_id,
            amount=attempt.amount,
            currency=attempt.currency,
            code=error.code,
            risk_score=error.score if isinstance(error, RiskDeclined) else None,
            latency_ms=latency_of(origin),
        )
    ]
