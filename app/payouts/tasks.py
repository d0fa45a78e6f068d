"""Jobs of payouts."""

from functools import partial
from uuid import UUID

import structlog

from app.banks.errors import BankUnavailable, InvalidBankResponse, ProviderUnknown
from app.common import queue
from app.common.db import reading, retry_transaction
from app.common.encryption import DecryptionFailed
from app.inbox.errors import Quarantine
from app.ledger_lock.service import ledger_transaction
from app.payouts import polling, service

_log = structlog.get_logger()


def advance(payout_id: UUID) -> None:
    """Submit a payout to the bank, or poll its state, and record the response. Safe to run twice.

    An unclear response changes nothing: the next attempt is already scheduled.
    """
    try:
        with reading() as session:
            send = polling.next_request(session, payout_id=payout_id)
        if send is not None:
            reported = send()  # outside of any transaction
            ledger_transaction(
                partial(service.record_bank_payout, payout_id=payout_id, reported=reported),
            )
    except BankUnavailable as error:
        _log.info("bank unavailable", payout=str(payout_id), reason=str(error))
    except (InvalidBankResponse, ProviderUnknown, Quarantine, DecryptionFailed) as error:
        _log.warning("payout stuck", payout=str(payout_id), reason=str(error))
        retry_transaction(partial(polling.flag, payout_id=payout_id, reason=str(error)))


def sweep() -> int:
    """Enqueue a job for each due payout. Returns their number. Safe to run twice."""
    return queue.enqueue_due(polling.claim_due, advance)
