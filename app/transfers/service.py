"""Transfers of money between users."""

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.service import Caller
from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.events.base import Event
from app.events.catalogue.wallets import TransferCompleted
from app.transfers import recipients, repository
from app.transfers.errors import RecipientCannotReceive, TransferNotFound
from app.transfers.masking import short_name
from app.transfers.models import Purpose, Transfer
from app.transfers.recipients import MaskedUser, UserIdentifier
from app.wallets import ledger, limits, outflow
from app.wallets import service as wallets
from app.wallets.errors import BalanceTooLarge, LimitExceeded, WalletLocked, WalletNotFound
from app.wallets.ledger import Account, Authorization, Entry, Posting
from app.wallets.models import TransactionType
from app.wallets.outflow import Outflow


@dataclass(frozen=True, slots=True)
class TransferDetails:
    """A transfer with its two parties."""

    transfer: Transfer
    sender: User
    receiver: User


def create_transfer(
    session: Session,
    *,
    sender: Caller,
    to: UserIdentifier,
    money: Money,
    second_factor: SecondFactor,
    note: str | None = None,
    reference: tuple[Purpose, UUID] | tuple[None, None] = (None, None),
    idempotency_key: str | None = None,
) -> TransferDetails:
    """Move `money` from the sender's wallet to the receiver's.

    second_factor: of the sender; note: visible to both parties; reference: what it pays, such as a
    payment request.
    Raises RecipientNotFound, CannotTransferToSelf, RecipientCannotReceive, InsufficientFunds,
    LimitExceeded, WalletLocked, WalletNotFound, TwoFactorRequired.
    """
    receiver = recipients.require_recipient(
        session, to, caller_id=sender.id, currency=money.currency
    )
    accounts = wallets.lock_accounts(
        session, user_ids=(sender.id, receiver.id), currency=money.currency
    )
    paying, receiving = accounts.get(sender.id), accounts.get(receiver.id)
    if paying is None:
        raise WalletNotFound
    authorization = outflow.authorize(
        session,
        paying,
        Outflow(TransactionType.TRANSFER_OUT, money.minor, payee_id=receiver.id),
        second_factor=second_factor,
        require_payee=partial(_require_can_receive, session, receiving, money=money),
    )
    transfer = Transfer(
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
    sent = TransferDetails(transfer, auth.require_user(session, sender.id), receiver)
    repository.insert_transfer(session, transfer)
    posted = _post(
        session,
        sent,
        paying,
        accounts[receiver.id],
        authorization=authorization,
        idempotency_key=idempotency_key,
    )
    events.record(session, _events(sent, posted))
    return sent


def _require_can_receive(session: Session, account: Account | None, *, money: Money) -> None:
    """Raises RecipientCannotReceive, which does not tell the sender why."""
    if account is None:
        raise RecipientCannotReceive
    try:
        account.require_can_receive(money.minor)
        limits.require_within(session, account, kind=TransactionType.TRANSFER_IN, money=money)
    except (WalletLocked, BalanceTooLarge, LimitExceeded) as error:
        raise RecipientCannotReceive from error


def _post(
    session: Session,
    sent: TransferDetails,
    paying: Account,
    receiving: Account,
    *,
    authorization: Authorization,
    idempotency_key: str | None,
) -> ledger.AppliedEntry:
    transfer = sent.transfer
    about = f": {transfer.note}" if transfer.note else ""
    entry = Entry(
        kind="TRANSFER",
        postings=(
            Posting(
                paying,
                -transfer.amount,
                TransactionType.TRANSFER_OUT,
                f"To {short_name(sent.receiver)}{about}",
                authorization,
            ),
            Posting(
                receiving,
                transfer.amount,
                TransactionType.TRANSFER_IN,
                f"From {short_name(sent.sender)}{about}",
            ),
        ),
        reference=("transfer", transfer.id),
        initiator_id=transfer.sender_id,
        idempotency_key=idempotency_key,
    )
    return ledger.post(session, entry)


def _events(sent: TransferDetails, posted: ledger.AppliedEntry) -> list[Event]:
    return [TransferCompleted.of(sent.transfer), *wallets.balance_events(posted)]


def preview_recipient(
    session: Session, *, caller_id: UUID, to: UserIdentifier, currency: str
) -> MaskedUser:
    """The masked details of the recipient. Raises RecipientNotFound, CannotTransferToSelf."""
    user = recipients.require_recipient(session, to, caller_id=caller_id, currency=currency)
    return recipients.mask_user(session, user, currency=currency)


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
