"""Transfers of money between users."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.masking import public_name
from app.auth.models import User
from app.auth.profile import Profile
from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.common.errors import AppError
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.events.base import Event
from app.events.catalogue.wallets import TransactionFailed, TransferCompleted
from app.risk.attempt import Attempt
from app.risk.models import PaymentKind, RiskCase
from app.transfers import recipients, repository
from app.transfers.errors import RecipientCannotReceive, TransferNotFound
from app.transfers.models import Purpose, Transfer, TransferRow
from app.transfers.recipients import MaskedUser, UserIdentifier
from app.wallets import service as wallets
from app.wallets.errors import BalanceTooLarge, LimitExceeded, WalletLocked
from app.wallets.ledger import Account, Authorization, Entry, Posting
from app.wallets.models import TransactionType
from app.wallets.movements.locked_wallets import NeededWallets
from app.wallets.movements.movement import Decision, Movement, Turn
from app.wallets.movements.reviewed import NO_SECOND_FACTOR
from app.wallets.outflow import Outflow


@dataclass(frozen=True, slots=True)
class TransferDetails:
    """A transfer with its two parties."""

    transfer: Transfer
    sender: User | Profile
    receiver: User | Profile


#: What risk screening calls a transfer, by what it pays.
_PAYMENTS: Final = {
    None: PaymentKind.TRANSFER,
    Purpose.PAYMENT_REQUEST: PaymentKind.PAYMENT_REQUEST,
    Purpose.MERCHANT_CODE: PaymentKind.MERCHANT_CODE,
}

#: Sender and receiver, as far as they exist, by the sender's id, the receiver and the currency.
PartiesOf = Mapping[tuple[UUID, UserIdentifier, str], tuple[Profile | None, Profile | None]]


@dataclass(frozen=True, slots=True)
class NewTransfer(Movement[PartiesOf, TransferDetails]):
    """Money from the caller's wallet to another user's. note: visible to both parties;
    verified_only: whether an email address or phone number must be verified."""

    to: UserIdentifier
    money: Money
    second_factor: SecondFactor
    note: str | None = None
    verified_only: bool = False

    @classmethod
    def lock(
        cls, session: Session, requests: Sequence[tuple[UUID, Self]]
    ) -> Callable[[], PartiesOf]:
        return query_parties(
            session, [(user_id, new.to, new.money.currency) for user_id, new in requests]
        )

    def wallets_needed(self, user_id: UUID, rows: PartiesOf) -> NeededWallets | None:
        currency = self.money.currency
        _, receiver = rows[user_id, self.to, currency]
        if receiver is None:
            return None
        return NeededWallets(currency, paying=(user_id,), receiving=(receiver.id,))

    def decide(self, turn: Turn, rows: PartiesOf) -> Decision[TransferDetails]:
        """Raises RecipientNotVerified and what `decide_transfer` raises."""
        parties = rows[turn.caller.id, self.to, self.money.currency]
        receiver = recipients.require_other(parties[1], caller_id=turn.caller.id)
        if self.verified_only:
            recipients.require_verified(self.to, receiver)
        return decide_transfer(
            turn,
            parties,
            self.money,
            second_factor=self.second_factor,
            note=self.note,
        )

    def refusal_events(self, turn: Turn, rows: PartiesOf, error: AppError) -> Sequence[Event]:
        if not error.cacheable:  # the same request can succeed, such as with a two-factor code
            return ()
        _, receiver = rows[turn.caller.id, self.to, self.money.currency]
        return [
            TransactionFailed(
                aggregate_version=1,
                aggregate_id=turn.attempt_id,
                sender_id=turn.caller.id,
                receiver_id=receiver.id if receiver is not None else None,
                amount=self.money.minor,
                currency=self.money.currency,
                error=error.code,
            )
        ]

    def attempt(self, turn: Turn, rows: PartiesOf) -> Attempt:
        _, receiver = rows[turn.caller.id, self.to, self.money.currency]
        return Attempt(
            PaymentKind.TRANSFER,
            turn.caller.id,
            self.money.minor,
            self.money.currency,
            payee_id=receiver.id if receiver is not None else None,
        )

    def stored(self) -> dict[str, Any]:
        return {"note": self.note}

    @classmethod
    def restore(cls, case: RiskCase) -> Self:
        """The transfer that a case has held, to the user whom it was screened for."""
        note = (case.payment or {}).get("note")
        to = UserIdentifier(user_id=case.payee_id)
        return cls(to, Money(case.amount, case.currency), NO_SECOND_FACTOR, note)

    @classmethod
    def write(cls, session: Session, records: Sequence[TransferDetails]) -> Sequence[Any]:
        write_transfers(session, records)
        return ()


def query_parties(
    session: Session, wanted: Sequence[tuple[UUID, UserIdentifier, str]]
) -> Callable[[], PartiesOf]:
    """Send the query for senders and receivers; call the result to read them.

    wanted: the sender's id, the receiver and the currency.
    """
    users_of = recipients.query_users(
        session,
        [
            (identifier, currency)
            for sender_id, to, currency in wanted
            for identifier in (UserIdentifier(user_id=sender_id), to)
        ],
    )

    def read() -> PartiesOf:
        users = users_of()
        return {each: (users[2 * n], users[2 * n + 1]) for n, each in enumerate(wanted)}

    return read


def decide_transfer(
    turn: Turn,
    parties: tuple[Profile | None, Profile | None],
    money: Money,
    *,
    second_factor: SecondFactor,
    note: str | None = None,
    reference: tuple[Purpose, UUID] | tuple[None, None] = (None, None),
) -> Decision[TransferDetails]:
    """Accept a transfer of the caller and move the money in memory, or refuse it.

    parties: sender and receiver; second_factor: of the sender; reference: what it pays, such as a
    payment request.
    Raises RecipientNotFound, CannotTransferToSelf, RecipientCannotReceive, InsufficientFunds,
    LimitExceeded, WalletLocked, WalletNotFound, TwoFactorRequired.
    """
    sender, receiver = parties[0], recipients.require_other(parties[1], caller_id=turn.caller.id)
    paying = turn.wallets.require(turn.caller.id, money.currency)
    receiving = turn.wallets.get(receiver.id, money.currency)
    authorization = turn.wallets.authorize(
        turn.session,
        paying,
        Outflow(
            TransactionType.TRANSFER_OUT,
            money.minor,
            payee_id=receiver.id,
            payment=_PAYMENTS[reference[0]],
        ),
        second_factor=second_factor,
        origin=turn.origin,
        require_payee=partial(_require_can_receive, turn, receiving, money=money),
    )
    # The caller is signed in, and `_require_can_receive` has refused a receiver without a wallet.
    assert sender is not None and receiving is not None  # noqa: S101, PT018
    transfer = TransferRow(
        id=new_id(),
        sender_id=sender.id,
        receiver_id=receiver.id,
        amount=money.minor,
        currency=money.currency,
        note=note,
        reference_type=reference[0].value if reference[0] else None,
        reference_id=reference[1],
        created_at=clock.now(),
    )
    sent = TransferDetails(transfer, sender, receiver)
    posted = turn.wallets.post(_entry(turn, sent, paying, receiving, authorization))
    return Decision(
        sent,
        entry=posted,
        events=[
            TransferCompleted.of(transfer, aggregate_version=1, **authorization.risk),
            *wallets.balance_events(posted),
        ],
    )


def write_transfers(session: Session, transfers: Iterable[TransferDetails]) -> None:
    """Write transfers that `decide_transfer` has accepted."""
    repository.insert_transfers(session, [each.transfer for each in transfers])


def _require_can_receive(turn: Turn, account: Account | None, *, money: Money) -> None:
    """Raises RecipientCannotReceive, which does not tell the sender why."""
    if account is None:
        raise RecipientCannotReceive
    try:
        account.require_can_receive(money.minor)
        turn.wallets.require_within(
            turn.session, account, kind=TransactionType.TRANSFER_IN, amount=money.minor
        )
    except (WalletLocked, BalanceTooLarge, LimitExceeded) as error:
        raise RecipientCannotReceive from error


def _entry(
    turn: Turn,
    sent: TransferDetails,
    paying: Account,
    receiving: Account,
    authorization: Authorization,
) -> Entry:
    transfer = sent.transfer
    about = f": {transfer.note}" if transfer.note else ""
    return Entry(
        id=turn.attempt_id,
        kind="TRANSFER",
        postings=(
            Posting(
                paying,
                -transfer.amount,
                TransactionType.TRANSFER_OUT,
                f"To {public_name(sent.receiver)}{about}",
                authorization,
            ),
            Posting(
                receiving,
                transfer.amount,
                TransactionType.TRANSFER_IN,
                f"From {public_name(sent.sender)}{about}",
            ),
        ),
        reference=("transfer", transfer.id),
        initiator_id=transfer.sender_id,
        idempotency_key=turn.idempotency_key,
    )


def preview_recipient(
    session: Session, *, caller_id: UUID, to: UserIdentifier, currency: str
) -> MaskedUser:
    """The masked details of the recipient. Raises RecipientNotFound, CannotTransferToSelf."""
    user = recipients.require_recipient(session, to, caller_id=caller_id, currency=currency)
    return recipients.mask_user(session, user, found_by=to, currency=currency)


def list_transfers(
    session: Session, page: PageRequest, *, user_id: UUID, sent: bool = True, received: bool = True
) -> Page[TransferDetails]:
    """Transfers that the user sent or received, newest first."""
    found = repository.list_transfers(session, page, user_id=user_id, sent=sent, received=received)
    return found.with_data(_with_parties(session, found.data))


def require_transfer(session: Session, *, transfer_id: UUID, user_id: UUID) -> TransferDetails:
    """A transfer of the user. Raises TransferNotFound unless sent or received by the user."""
    row = repository.get_transfer_of(session, transfer_id=transfer_id, user_id=user_id)
    if row is None:
        raise TransferNotFound
    (sent,) = _with_parties(session, [row])
    return sent


def _with_parties(session: Session, rows: Any) -> list[TransferDetails]:
    ids = {user_id for row in rows for user_id in (row.sender_id, row.receiver_id)}
    users = auth.get_users_by_id(session, list(ids))
    return [TransferDetails(row, users[row.sender_id], users[row.receiver_id]) for row in rows]
