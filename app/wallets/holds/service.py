"""Holds of a user: expiry and lists. Their movements are in app.wallets.holds.movements."""

from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.events.catalogue.wallets import HoldReleased
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.errors import HoldNotFound
from app.wallets.holds import lifecycle, repository
from app.wallets.models import HoldStatus, WalletHold


def count_active_holds(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The number of active holds that the user has created. limit: as of `quotas.Count`."""
    return repository.count_active_holds(session, payer_id=user_id, limit=limit)


def expire_due(session: Session, *, limit: int) -> int:
    """Release up to `limit` expired holds, the longest overdue first. Returns their number.

    It does not wait for holds that are being captured or voided: those requests are refused.
    """
    expired = repository.lock_expired(session, now=clock.now(), limit=limit)
    for currency in sorted({hold.currency for hold in expired}):
        due = [hold for hold in expired if hold.currency == currency]
        accounts = wallets.require_accounts(
            session, *{hold.initiator_id for hold in due}, currency=currency
        )
        for hold in due:
            lifecycle.close(hold, accounts[hold.initiator_id], HoldStatus.EXPIRED)
        ledger.write_entries(session, [], held=accounts.values())
    events.record(
        session,
        [
            HoldReleased.of(hold, aggregate_version=2, payer_id=hold.initiator_id)
            for hold in expired
        ],
    )
    return len(expired)


def require_hold(session: Session, *, hold_id: UUID, user_id: UUID) -> WalletHold:
    """A hold, for its payer or its payee. Raises HoldNotFound for anyone else."""
    hold = repository.get_hold(session, hold_id)
    if hold is None or user_id not in (hold.initiator_id, hold.payee_id):
        raise HoldNotFound
    return hold


def list_holds(
    session: Session,
    page: PageRequest,
    *,
    user_id: UUID,
    currency: str,
    role: str | None = None,
    status: str | None = None,
) -> Page[WalletHold]:
    """The user's holds, newest first. role: payer or payee, None for both."""
    wallet = wallets.require_wallet(session, user_id=user_id, currency=currency)
    return repository.list_holds(
        session,
        page,
        wallet_id=wallet.id if role != "payee" else None,
        payee_id=user_id if role != "payer" else None,
        status=status,
    )
