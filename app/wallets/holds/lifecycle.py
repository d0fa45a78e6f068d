"""The lifecycle of a hold: it reserves money until it is captured, voided or expired.

A hold makes its amount unavailable immediately, and ends exactly once.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import new_id
from app.wallets import ledger, outflow, repository
from app.wallets.errors import HoldClosed, HoldNotFound
from app.wallets.ledger import Account, Authorization
from app.wallets.models import HoldStatus, WalletHold, WalletHoldRow


def place(
    session: Session,
    account: Account,
    *,
    authorization: Authorization,
    initiator_id: UUID,
    reference: tuple[str, UUID] | tuple[None, None] = (None, None),
    description: str | None = None,
    idempotency_key: str | None = None,
    expires_at: datetime | None = None,
) -> WalletHold:
    """Place a hold for the platform, and write it. Arguments as of `new`."""
    hold = new(
        account,
        authorization=authorization,
        initiator_id=initiator_id,
        reference=reference,
        description=description,
        idempotency_key=idempotency_key,
        expires_at=expires_at,
    )
    repository.insert_holds(session, [hold])
    ledger.save(session, account)
    return hold


def new(
    account: Account,
    *,
    authorization: Authorization,
    initiator_id: UUID,
    hold_id: UUID | None = None,
    payee_id: UUID | None = None,
    reference: tuple[str, UUID] | tuple[None, None] = (None, None),
    description: str | None = None,
    idempotency_key: str | None = None,
    expires_at: datetime | None = None,
) -> WalletHold:
    """A hold of the authorized amount on a locked account, which it changes in memory.

    authorization: also names the transaction type of the capture; payee_id: the user who can
    capture it, None for the platform; reference: what it is for, such as ("payout", id).
    """
    hold = WalletHoldRow(
        id=hold_id or new_id(),
        wallet_id=account.id,
        payee_id=payee_id,
        type=authorization.kind.value,
        currency=account.currency,
        amount=authorization.amount,
        captured_amount=0,
        status=HoldStatus.ACTIVE.value,
        description=description,
        reference_type=reference[0],
        reference_id=reference[1],
        initiator_id=initiator_id,
        idempotency_key=idempotency_key,
        expires_at=expires_at,
        created_at=clock.now(),
        closed_at=None,
        with_code=authorization.with_code,
    )
    ledger.hold(account, authorization)
    return hold


def require_active(session: Session, hold_id: UUID) -> WalletHold:
    """The hold, locked before its wallets, if it is still active.

    Raises HoldNotFound, HoldClosed.
    """
    hold = repository.get_hold_for_update(session, hold_id)
    if hold is None:
        raise HoldNotFound
    require_open(hold)
    return hold


def require_open(hold: WalletHold) -> None:
    """Refuse a hold that is not active, or past its expiry and not yet released.

    Raises HoldClosed.
    """
    if hold.status != HoldStatus.ACTIVE:
        raise HoldClosed(status=hold.status)
    if hold.expires_at is not None and hold.expires_at <= clock.now():
        raise HoldClosed(status=HoldStatus.EXPIRED)


def capture(hold: WalletHold, account: Account, amount: int) -> Authorization:
    """Capture `amount` minor units of a locked hold and release the rest.

    The caller posts the amount from `account` next, in the same transaction, with the returned
    authorization.
    """
    close(hold, account, HoldStatus.CAPTURED)
    hold.captured_amount = amount
    return outflow.of_hold(hold)


def release(session: Session, hold: WalletHold, account: Account, status: HoldStatus) -> None:
    """End a locked hold without a capture. status: VOIDED or EXPIRED."""
    close(hold, account, status)
    ledger.save(session, account)


def close(hold: WalletHold, account: Account, status: HoldStatus) -> None:
    """End a locked hold in memory, and make its amount available again."""
    ledger.release(account, hold.amount)
    now = clock.now()
    if status is HoldStatus.EXPIRED and hold.expires_at is not None:
        now = max(now, hold.expires_at)  # the clock may have been set back since it was found
    hold.status, hold.closed_at = status.value, max(now, hold.created_at)
