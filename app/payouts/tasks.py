"""Jobs of payouts."""

from functools import partial
from uuid import UUID

import structlog

from app.banks.errors import BankUnavailable, InvalidBankResponse, ProviderUnknown
from app.common import queue
from app.common.db import reading, retry_transaction
from app.common.encryption import DecryptionFailed
from app.inbox.errors import Quarantine
from app.payouts import pursuit, settlement
from app.wallets.gate import in_line

_log = structlog.get_logger()


def advance(payout_id: UUID) -> None:
    """Have the bank pay, or ask how it stands, and note what it says. Safe to run twice.

    Without a clear answer nothing changes: the next attempt is due already.
    """
    try:
        with reading() as session:
            ask = pursuit.errand(session, payout_id=payout_id)
        if ask is not None:
            answer = ask()  # with no transaction open
            in_line(partial(settlement.settle, payout_id=payout_id, answer=answer))
    except BankUnavailable as error:
        _log.info("bank unavailable", payout=str(payout_id), why=str(error))
    except (InvalidBankResponse, ProviderUnknown, Quarantine, DecryptionFailed) as problem:
        _log.warning("payout stuck", payout=str(payout_id), why=str(problem))
        retry_transaction(partial(pursuit.flag, payout_id=payout_id, why=str(problem)))


def sweep() -> int:
    """Enqueue a job for each payout that is due; how many. Safe to run twice."""
    return queue.enqueue_due(pursuit.take_due, advance)
