"""A payment that is to be screened, and what is known about its request."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.risk.conditions import Window
from app.risk.models import PaymentKind

#: The kinds whose payee sells something.
SALES: Final = (PaymentKind.PURCHASE, PaymentKind.HOLD, PaymentKind.MERCHANT_CODE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from.

    began: `time.perf_counter` when it arrived; session_id: of the caller; network: of the client,
    as of `network_of`; agent: what the program calls itself; country: in two letters, as a trusted
    proxy tells it; refused: refused attempts of the network by window, empty if unknown.
    """

    began: float
    session_id: UUID | None = None
    network: str | None = None
    agent: str | None = None
    country: str | None = None
    refused: Mapping[Window, int] = field(default_factory=dict)

    def latency_ms(self, now: float) -> int:
        """Milliseconds since the request arrived. now: `time.perf_counter`."""
        return max(int((now - self.began) * 1_000), 0)


#: Of what no request asked for.
NO_ORIGIN: Final = Origin(0.0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A payment that is to be screened.

    amount, available: minor units, the latter of the payer's wallet before it.
    """

    kind: PaymentKind
    user_id: UUID
    amount: int
    currency: str
    available: int = 0
    payee_id: UUID | None = None
    product_kind: str | None = None
    has_coupon: bool = False

    @property
    def merchant_id(self) -> UUID | None:
        """The payee, if they sell something."""
        return self.payee_id if self.kind in SALES else None


def latency_of(origin: Origin | None) -> int | None:
    """Milliseconds since the request arrived; None if there is none."""
    return None if origin is None else origin.latency_ms(time.perf_counter())
