"""Paying a merchant code without a product.

It is a transfer and not a sale (docs/decisions/0011): there is no product, so there are no goods,
no stock and no fee, and it counts towards the limits on transfers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.two_factor.service import SecondFactor
from app.payment_requests import repository
from app.payment_requests.errors import MerchantCodeNotFound
from app.payment_requests.payment_links import PayerAmount, amount_due
from app.risk.attempt import Attempt
from app.risk.models import PaymentKind, RiskCase
from app.transfers import service as transfers
from app.transfers.models import Purpose
from app.transfers.recipients import UserIdentifier
from app.transfers.service import PartiesOf, TransferDetails
from app.wallets.movements.locked_wallets import NeededWallets
from app.wallets.movements.movement import Decision, Movement, Turn
from app.wallets.movements.reviewed import NO_SECOND_FACTOR


@dataclass(frozen=True, slots=True)
class LockedCodes:
    """Codes by id, as `repository.query_codes_for_share` returns them, with the parties of their
    transfers."""

    codes: Mapping[UUID, Any]
    parties: PartiesOf


@dataclass(frozen=True, slots=True)
class CodePayment(Movement[LockedCodes, TransferDetails]):
    """Pays a code without a product; an inactive code is refused."""

    code_id: UUID
    amount: PayerAmount
    second_factor: SecondFactor

    @classmethod
    def lock(
        cls, session: Session, requests: Sequence[tuple[UUID, Self]]
    ) -> Callable[[], LockedCodes]:
        rows = repository.query_codes_for_share(
            session, {payment.code_id for _, payment in requests}
        )

        def read() -> LockedCodes:
            found = {row.id: row for row in rows}
            wanted = [
                (payer_id, _merchant(found[payment.code_id]), found[payment.code_id].currency)
                for payer_id, payment in requests
                if payment.code_id in found
            ]
            return LockedCodes(found, transfers.query_parties(session, wanted)() if wanted else {})

        return read

    def wallets_needed(self, user_id: UUID, rows: LockedCodes) -> NeededWallets | None:
        code = rows.codes.get(self.code_id)
        if code is None:
            return None
        return NeededWallets(code.currency, paying=(user_id,), receiving=(code.merchant_id,))

    def decide(self, turn: Turn, rows: LockedCodes) -> Decision[TransferDetails]:
        """Raises MerchantCodeNotFound, AmountChoiceInvalid, PriceChanged and what
        `transfers.decide_transfer` raises."""
        code = rows.codes.get(self.code_id)
        # A code for a product gets here only if it is inactive.
        if code is None or not code.is_active or code.product_id is not None:
            raise MerchantCodeNotFound
        if not code.merchant_is_active:
            raise MerchantCodeNotFound
        return transfers.decide_transfer(
            turn,
            rows.parties[turn.caller.id, _merchant(code), code.currency],
            amount_due(code.amount, self.amount, currency=code.currency),
            second_factor=self.second_factor,
            note=code.label,
            reference=(Purpose.MERCHANT_CODE, code.id),
        )

    def attempt(self, turn: Turn, rows: LockedCodes) -> Attempt | None:
        code = rows.codes.get(self.code_id)
        if code is None:
            return None
        return Attempt(
            PaymentKind.MERCHANT_CODE,
            turn.caller.id,
            amount_due(code.amount, self.amount, currency=code.currency).minor,
            code.currency,
            payee_id=code.merchant_id,
        )

    def stored(self) -> dict[str, Any]:
        return {"codeId": str(self.code_id)} | self.amount.stored()

    @classmethod
    def restore(cls, case: RiskCase) -> Self:
        """The payment that a case has held."""
        stored = case.payment or {}
        return cls(UUID(stored["codeId"]), PayerAmount.restore(stored), NO_SECOND_FACTOR)

    @classmethod
    def write(cls, session: Session, records: Sequence[TransferDetails]) -> Sequence[Any]:
        transfers.write_transfers(session, records)
        return ()


def _merchant(code: Any) -> UserIdentifier:
    return UserIdentifier(user_id=code.merchant_id)
