"""Why payouts are refused."""

from app.common.errors import NotFound


class PayoutNotFound(NotFound):
    code = "PAYOUT_NOT_FOUND"
    message = "Payout not found"
