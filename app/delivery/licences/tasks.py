"""Jobs of licences."""

from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import queue
from app.common.db import after_commit, retry_transaction
from app.delivery.licences import management

#: Licences that are locked at a time.
_BATCH_SIZE: Final = 1_000
#: Batches per job, so that other jobs are not delayed for long.
_BATCHES_PER_JOB: Final = 20


def enqueue_application(session: Session, product_id: UUID) -> None:
    """Enqueue `apply_terms` once the transaction of `session` is committed."""
    after_commit(session, partial(queue.enqueue, apply_terms, product_id))


def apply_terms(product_id: UUID) -> None:
    """Apply the terms of a product to the licences it has sold, and continue in another job if
    there are more.

    Idempotent: each batch is changed in one transaction with the position that was reached.
    """
    for _ in range(_BATCHES_PER_JOB):
        if not retry_transaction(
            partial(management.apply_terms, product_id=product_id, limit=_BATCH_SIZE)
        ):
            return
    queue.enqueue(apply_terms, product_id)


def sweep() -> int:
    """Resume applications of terms whose job was lost. Returns their number."""
    return queue.enqueue_due(
        partial(management.claim_stalled, limit=100), apply_terms, enqueue=queue.enqueue
    )
