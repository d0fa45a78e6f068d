"""Paying a payment request: a transfer that closes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.two_factor.service import SecondFactor
from app.events.catalogue.wallets import PaymentRequestPaid
from app.payment_requests import repository
from app.payment_requests.errors import CannotPayOwnRequest, PaymentRequestNotFound
from app.payment_requests.models import PaymentRequest, PaymentRequestRow, RequestStatus
from app.payment_requests.payment_links import PayerAmount, amount_due
from app.payment_requests.service import require_open
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
class LockedRequests:
    """Payment requests by id, locked, with the parties of their transfers."""

    requests: Mapping[UUID, PaymentRequest]
    parties: PartiesOf


@dataclass(frozen=True, slots=True)
class PaidRequest:
    """A request that a transfer has paid."""

    request: PaymentRequest
    sent: TransferDetails


@dataclass(frozen=True, slots=True)
class RequestPayment(Movement[LockedRequests, TransferDetails]):
    """Pays a request, once: by its payer, or by anyone if it names none."""

    request_id: UUID
    amount: PayerAmount
    second_factor: SecondFactor

    @classmethod
    def lock(
        cls, session: Session, requests: Sequence[tuple[UUID, Self]]
    ) -> Callable[[], LockedRequests]:
        rows = repository.query_requests_for_update(
            session, {payment.request_id for _, payment in requests}
        )

        def read() -> LockedRequests:
            found = {row.id: PaymentRequestRow(*row) for row in rows}
            wanted = [
                (
                    payer_id,
                    _requester(found[payment.request_id]),
                    found[payment.request_id].currency,
                )
                for payer_id, payment in requests
                if payment.request_id in found
            ]
            return LockedRequests(
                found, transfers.query_parties(session, wanted)() if wanted else {}
            )

        return read

    def wallets_needed(self, user_id: UUID, rows: LockedRequests) -> NeededWallets | None:
        request = rows.requests.get(self.request_id)
        if request is None:
            return None
        return NeededWallets(request.currency, paying=(user_id,), receiving=(request.requester_id,))

    def decide(self, turn: Turn, rows: LockedRequests) -> Decision[TransferDetails]:
        """Raises PaymentRequestNotFound, PaymentRequestClosed, CannotPayOwnRequest,
        AmountChoiceInvalid, PriceChanged and what `transfers.decide_transfer` raises."""
        payer_id, request = turn.caller.id, rows.requests.get(self.request_id)
        if request is None or payer_id not in (request.requester_id, request.payer_id or payer_id):
            raise PaymentRequestNotFound
        if request.requester_id == payer_id:
            raise CannotPayOwnRequest
        now = require_open(request)
        transfer = transfers.decide_transfer(
            turn,
            rows.parties[payer_id, _requester(request), request.currency],
            amount_due(request.amount, self.amount, currency=request.currency),
            second_factor=self.second_factor,
            note=request.note,
            reference=(Purpose.PAYMENT_REQUEST, request.id),
        )
        _close(request, transfer.result, now)
        return Decision(
            transfer.result,
            record=PaidRequest(request, transfer.result),
            entry=transfer.entry,
            events=[*transfer.events, PaymentRequestPaid.of(request)],
        )

    def attempt(self, turn: Turn, rows: LockedRequests) -> Attempt | None:
        request = rows.requests.get(self.request_id)
        if request is None:
            return None
        return Attempt(
            PaymentKind.PAYMENT_REQUEST,
            turn.caller.id,
            amount_due(request.amount, self.amount, currency=request.currency).minor,
            request.currency,
            payee_id=request.requester_id,
        )

    def stored(self) -> dict[str, Any]:
        return {"requestId": str(self.request_id)} | self.amount.stored()

    @classmethod
    def restore(cls, case: RiskCase) -> Self:
        """The payment that a case has held."""
        stored = case.payment or {}
        return cls(UUID(stored["requestId"]), PayerAmount.restore(stored), NO_SECOND_FACTOR)

    @classmethod
    def write(cls, session: Session, records: Sequence[PaidRequest]) -> Sequence[Any]:
        transfers.write_transfers(session, [paid.sent for paid in records])
        repository.close_paid(session, [paid.request for paid in records])
        return ()


def _requester(request: PaymentRequest) -> UserIdentifier:
    return UserIdentifier(user_id=request.requester_id)


def _close(request: PaymentRequest, sent: TransferDetails, now: datetime) -> None:
    request.status, request.closed_at = RequestStatus.PAID.value, max(now, request.created_at)
    request.amount, request.transfer_id = sent.transfer.amount, sent.transfer.id
