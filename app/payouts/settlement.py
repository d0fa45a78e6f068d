"""What the word of a bank does to a payout: once, however often and by whomever it is told.

The locks are taken in one order: the payout, its hold, the wallet.
"""

from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks.types import BankEventType, BankPayout, BankPayoutStatus
from app.common import clock
from app.events import service as events
from app.events.catalogue.banks import PayoutPaid, PayoutRefused, PayoutSubmitted
from app.inbox.errors import Quarantine
from app.inbox.models import InboundEvent
from app.payouts import pursuit, repository
from app.payouts.errors import PayoutNotFound
from app.payouts.models import Payout, PayoutStatus
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.holds import lifecycle
from app.wallets.ledger import Account, Entry, Posting
from app.wallets.models import HoldStatus, SystemCode, TransactionType

_STATUSES: Final = {
    BankEventType.PAYOUT_PAID: BankPayoutStatus.PAID,
    BankEventType.PAYOUT_REFUSED: BankPayoutStatus.REFUSED,
}


def owns(session: Session, *, provider: str, reference: str) -> bool:
    """Whether we asked this bank for that payout."""
    try:
        payout_id = UUID(reference)
    except ValueError:
        return False
    return str(payout_id) == reference and repository.provider_of(session, payout_id) == provider


def handle(session: Session, event: InboundEvent) -> None:
    """Have what a bank sends take effect. Raises Quarantine."""
    answer = BankPayout(
        status=_STATUSES[BankEventType(event.type)],
        bank_reference=event.provider_reference or None,
        reason=event.reason or None,
    )
    told = (event.amount, event.currency)
    settle(session, payout_id=UUID(event.reference), answer=answer, told=told)


def settle(
    session: Session,
    *,
    payout_id: UUID,
    answer: BankPayout,
    told: tuple[int | None, str | None] | None = None,
) -> None:
    """Note what the bank says; pay for good or give back if that ends it.

    The transaction must have stood in line. told: minor units and currency, if the bank names
    them. Money that has left is taken from the wallet even if that was locked meanwhile.
    Raises PayoutNotFound, and Quarantine for what contradicts our record or what was said before.
    """
    payout = repository.get_payout_for_update(session, payout_id)
    if payout is None:
        raise PayoutNotFound
    ours = (payout.amount, payout.currency)
    if told is not None and told != ours:
        raise Quarantine("AMOUNT_DIFFERS", ours=_money(*ours), theirs=_money(*told))
    if payout.is_open:
        _note(session, payout, answer)
    elif answer.status not in (BankPayoutStatus.ACCEPTED, payout.status):
        raise Quarantine(
            "SETTLED_OTHERWISE",
            ours={"status": payout.status},
            theirs={"status": answer.status.value},
        )


def _money(amount: int | None, currency: str | None) -> dict[str, int | str | None]:
    return {"amount": amount, "currency": currency}


def _note(session: Session, payout: Payout, answer: BankPayout) -> None:
    payout.bank_reference = answer.bank_reference or payout.bank_reference
    if answer.status is BankPayoutStatus.PAID:
        _pay(session, payout)
    elif answer.status is BankPayoutStatus.REFUSED:
        _give_back(session, payout, answer.reason or "refused by the bank")
    elif payout.status == PayoutStatus.PENDING:
        payout.status, payout.submitted_at = PayoutStatus.SUBMITTED.value, clock.now()
        pursuit.begin(payout)
        events.record(session, [pursuit.progress(PayoutSubmitted, payout)])


def _pay(session: Session, payout: Payout) -> None:
    hold = lifecycle.require_active(session, payout.hold_id)
    account = _account(session, payout)
    lifecycle.capture(hold, account, payout.amount)
    bank = ledger.system_account(SystemCode.BANK, payout.currency)
    description = payout.description or "Payout to a bank account"
    kind = TransactionType.PAYOUT
    entry = Entry(
        kind=kind.value,
        reference=("payout", payout.id),
        initiator_id=payout.user_id,
        postings=(
            Posting(account, -payout.amount, kind, description),
            Posting(bank, payout.amount, kind, description),
        ),
    )
    ((posting, _),) = ledger.post(session, [entry])
    _close(payout, PayoutStatus.PAID)
    events.record(
        session,
        [
            pursuit.progress(PayoutPaid, payout),
            wallets.balance_event(posting, user_id=payout.user_id),
        ],
    )


def _give_back(session: Session, payout: Payout, reason: str) -> None:
    hold = lifecycle.require_active(session, payout.hold_id)
    lifecycle.let_go(session, hold, _account(session, payout), HoldStatus.VOIDED)
    payout.reason = reason
    _close(payout, PayoutStatus.REFUSED)
    events.record(session, [pursuit.problem(PayoutRefused, payout, reason=reason)])


def _account(session: Session, payout: Payout) -> Account:
    accounts = wallets.lock_accounts(session, user_ids=[payout.user_id], currency=payout.currency)
    return accounts[payout.user_id]


def _close(payout: Payout, status: PayoutStatus) -> None:
    payout.status, payout.settled_at = status.value, clock.now()
    payout.next_attempt_at = None
