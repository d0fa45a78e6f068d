"""Placing, capturing and voiding holds for a merchant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, Final, Self
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import Role
from app.auth.quotas import service as quotas
from app.auth.quotas.errors import QuotaExceeded
from app.auth.quotas.quota import Quota
from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.common.money import Money, format_minor
from app.events.catalogue.wallets import HoldCaptured, HoldPlaced, HoldReleased
from app.risk.attempt import Attempt
from app.risk.models import PaymentKind, RiskCase
from app.wallets import repository as ledger_rows
from app.wallets import service as wallets
from app.wallets.errors import DecideLater, HoldNotFound, WalletLocked, WalletNotFound
from app.wallets.holds import lifecycle, repository
from app.wallets.holds.errors import (
    CannotPayYourself,
    CaptureExceedsHold,
    ExpiryInvalid,
    NotThePayee,
    PayeeNotFound,
)
from app.wallets.ledger import Entry, Posting
from app.wallets.models import HoldStatus, TransactionType, WalletHold, WalletHoldRow
from app.wallets.movements.locked_wallets import NeededWallets
from app.wallets.movements.movement import Decision, Movement, Turn
from app.wallets.movements.reviewed import NO_SECOND_FACTOR
from app.wallets.outflow import Outflow

DEFAULT_TTL: Final = timedelta(days=7)
MAX_TTL: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class HoldParties:
    """Rows of `repository.query_parties`, by payer, payee and currency; placed: holds that this
    batch has placed, by payer."""

    rows: Mapping[tuple[UUID, UUID, str], Any]
    placed: dict[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewHold(Movement[HoldParties, WalletHold]):
    """Reserves money of the caller for a merchant: it is no longer available to the caller.

    amount: in units of `currency`; expires_in: seconds; expires_at: a time; 7 days by default.
    """

    payee_id: UUID
    amount: Decimal
    currency: str
    second_factor: SecondFactor
    expires_in: int | None = None
    expires_at: datetime | None = None
    description: str | None = None

    @classmethod
    def lock(
        cls, session: Session, requests: Sequence[tuple[UUID, Self]]
    ) -> Callable[[], HoldParties]:
        wanted = {(payer_id, new.payee_id, new.currency) for payer_id, new in requests}
        rows = repository.query_parties(
            session,
            [
                {"payer_id": payer_id, "payee_id": payee_id, "currency": currency}
                for payer_id, payee_id, currency in wanted
            ],
            quota=Quota.HOLDS,
            maximum=quotas.maximums()[Quota.HOLDS],
        )
        return lambda: HoldParties(
            {(row.payer_id, row.payee_id, row.currency): row for row in rows}
        )

    def wallets_needed(self, user_id: UUID, rows: HoldParties) -> NeededWallets:
        return NeededWallets(self.currency, paying=(user_id,))

    def decide(self, turn: Turn, rows: HoldParties) -> Decision[WalletHold]:
        """Raises CannotPayYourself, PayeeNotFound, ExpiryInvalid, WalletLocked (of either party),
        InsufficientFunds, LimitExceeded, WalletNotFound, TwoFactorRequired, QuotaExceeded."""
        money = Money.of(self.amount, self.currency)
        payer_id = turn.caller.id
        if self.payee_id == payer_id:
            raise CannotPayYourself
        found = rows.rows[payer_id, self.payee_id, self.currency]
        if found.role != Role.MERCHANT or not found.is_active:
            raise PayeeNotFound
        expires_at = self._expiry()
        self._require_room(turn, rows, found)
        account = turn.wallets.require(payer_id, self.currency)
        authorization = turn.wallets.authorize(
            turn.session,
            account,
            Outflow(
                TransactionType.PAYMENT,
                money.minor,
                payee_id=self.payee_id,
                payment=PaymentKind.HOLD,
            ),
            second_factor=self.second_factor,
            origin=turn.origin,
            require_payee=partial(_require_not_locked, found),
        )
        hold = lifecycle.new(
            account,
            hold_id=turn.attempt_id,
            authorization=authorization,
            initiator_id=payer_id,
            payee_id=self.payee_id,
            description=self.description,
            idempotency_key=turn.idempotency_key,
            expires_at=expires_at,
        )
        rows.placed[payer_id] = rows.placed.get(payer_id, 0) + 1
        return Decision(
            hold,
            accounts=[account],
            events=[
                HoldPlaced.of(
                    hold, aggregate_version=1, payer_id=hold.initiator_id, **authorization.risk
                )
            ],
        )

    def attempt(self, turn: Turn, rows: HoldParties) -> Attempt:
        money = Money.of(self.amount, self.currency)
        return Attempt(
            PaymentKind.HOLD,
            turn.caller.id,
            money.minor,
            money.currency,
            payee_id=self.payee_id,
        )

    def stored(self) -> dict[str, Any]:
        return {
            "expiresIn": self.expires_in,
            "expiresAt": None if self.expires_at is None else self.expires_at.isoformat(),
            "description": self.description,
        }

    @classmethod
    def restore(cls, case: RiskCase) -> Self:
        """The hold that a case has kept waiting. It is valid for as long as was asked for."""
        stored = case.payment or {}
        expires_at = stored.get("expiresAt")
        return cls(
            case.payee_id or case.user_id,
            Decimal(format_minor(case.amount, case.currency)),
            case.currency,
            NO_SECOND_FACTOR,
            stored.get("expiresIn"),
            None if expires_at is None else datetime.fromisoformat(expires_at),
            stored.get("description"),
        )

    def _expiry(self) -> datetime:
        now = clock.now()
        if self.expires_at is None:
            ttl = DEFAULT_TTL if self.expires_in is None else timedelta(seconds=self.expires_in)
            return now + ttl
        if self.expires_at <= now:
            raise ExpiryInvalid("Must be in the future.")
        if self.expires_at > now + MAX_TTL:
            raise ExpiryInvalid(f"Must be at most {MAX_TTL.days} days from now.")
        return self.expires_at

    def _require_room(self, turn: Turn, rows: HoldParties, found: Any) -> None:
        used = found.active_holds + rows.placed.get(turn.caller.id, 0)
        if used < found.maximum:
            return
        if turn.wallets.has_freed(turn.caller.id):
            raise DecideLater
        raise QuotaExceeded(Quota.HOLDS, used=used, requested=1, maximum=found.maximum)

    @classmethod
    def write(cls, session: Session, records: Sequence[WalletHold]) -> Sequence[Any]:
        ledger_rows.insert_holds(session, records)
        return ()


def _require_not_locked(found: Any) -> None:
    """A merchant whose wallet is locked sells nothing. Raises WalletNotFound, WalletLocked."""
    if found.is_locked is None:
        raise WalletNotFound
    if found.is_locked:
        raise WalletLocked


#: Holds by id, locked.
Holds = Mapping[UUID, WalletHold]


class _HoldEnd(Movement[Holds, WalletHold]):
    """Ends a hold of which the caller is the payee."""

    hold_id: UUID

    @classmethod
    def kind(cls) -> "type[_HoldEnd]":
        return _HoldEnd

    @classmethod
    def lock(cls, session: Session, requests: Sequence[tuple[UUID, Self]]) -> Callable[[], Holds]:
        rows = repository.query_for_update(session, {end.hold_id for _, end in requests})
        return lambda: {row.id: WalletHoldRow(*row) for row in rows}

    def wallets_needed(self, user_id: UUID, rows: Holds) -> NeededWallets | None:
        hold = rows.get(self.hold_id)
        return NeededWallets(hold.currency, others=(hold.initiator_id, user_id)) if hold else None

    def _require_open(self, turn: Turn, rows: Holds) -> WalletHold:
        """The hold, if the caller can end it. Raises HoldNotFound, NotThePayee, HoldClosed."""
        hold = rows.get(self.hold_id)
        if hold is None:
            raise HoldNotFound
        if turn.caller.id != hold.payee_id:
            raise NotThePayee if turn.caller.id == hold.initiator_id else HoldNotFound
        lifecycle.require_open(hold)
        return hold

    @classmethod
    def write(cls, session: Session, records: Sequence[WalletHold]) -> Sequence[Any]:
        repository.close(session, records)
        return ()


@dataclass(frozen=True, slots=True)
class HoldCapture(_HoldEnd):
    """Captures a hold for the caller, or a part of it; the rest is released.

    amount: in units of the hold's currency, None for all of it.
    """

    hold_id: UUID
    amount: Decimal | None = None

    def decide(self, turn: Turn, rows: Holds) -> Decision[WalletHold]:
        """Raises HoldNotFound, NotThePayee, HoldClosed, CaptureExceedsHold, WalletLocked,
        BalanceTooLarge, WalletNotFound."""
        hold = self._require_open(turn, rows)
        held = hold.money
        money = Money.of(self.amount, hold.currency) if self.amount is not None else held
        if money.minor > held.minor:
            raise CaptureExceedsHold(held=held, requested=money)
        payer = turn.wallets.require(hold.initiator_id, hold.currency)
        earner = turn.wallets.require(turn.caller.id, hold.currency)
        if payer.is_locked:
            raise WalletLocked
        earner.require_can_receive(money.minor)
        authorization = lifecycle.capture(hold, payer, money.minor)
        turn.wallets.free(payer)
        description = hold.description or "Captured hold"
        entry = Entry(
            id=turn.attempt_id,
            kind="CAPTURE",
            reference=("hold", hold.id),
            initiator_id=turn.caller.id,
            idempotency_key=turn.idempotency_key,
            postings=(
                Posting(payer, -money.minor, TransactionType.PAYMENT, description, authorization),
                Posting(earner, money.minor, TransactionType.EARNING, description),
            ),
        )
        posted = turn.wallets.post(entry)
        captured = HoldCaptured.of(
            hold,
            aggregate_version=2,
            payer_id=hold.initiator_id,
            amount=money.minor,
            released=held.minor - money.minor,
        )
        return Decision(hold, entry=posted, events=[captured, *wallets.balance_events(posted)])


@dataclass(frozen=True, slots=True)
class HoldVoid(_HoldEnd):
    """Voids a hold for the caller. Only the payee can: the payer is bound until it expires."""

    moves_money: ClassVar[bool] = False

    hold_id: UUID

    def decide(self, turn: Turn, rows: Holds) -> Decision[WalletHold]:
        """Raises HoldNotFound, NotThePayee, HoldClosed, WalletNotFound."""
        hold = self._require_open(turn, rows)
        payer = turn.wallets.require(hold.initiator_id, hold.currency)
        lifecycle.close(hold, payer, HoldStatus.VOIDED)
        turn.wallets.free(payer)
        return Decision(
            hold,
            accounts=[payer],
            events=[HoldReleased.of(hold, aggregate_version=2, payer_id=hold.initiator_id)],
        )
