"""Batches of purchases: one SERIALIZABLE transaction for many requests.

The leading thread locks all rows in a fixed order, decides each purchase in order of arrival and
writes all of them together. One fsync serves many purchases, and no transactions compete for a hot
row (docs/decisions/0003).
"""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from app.common import metrics
from app.common.batch_executor import BatchExecutor, Drain
from app.common.db import OutcomeUnknown, reading
from app.common.errors import AppError, Unavailable
from app.idempotency.service import StoredResponse, retry_until_known
from app.ledger_lock.service import ledger_transaction
from app.orders.purchases import service
from app.orders.purchases.service import PurchaseJob, Render

_OBSERVER = metrics.batch_observer("purchase", of="purchases")


class PurchaseBatcher:
    """Runs the purchases of this process in batches.

    fee_bps: returns the platform fee in basis points; render: returns the response for an order.
    """

    def __init__(self, *, fee_bps: Callable[[], int], render: Render) -> None:
        self._fee_bps = fee_bps
        self._render = render
        self._executor: BatchExecutor[PurchaseJob, StoredResponse] = BatchExecutor(
            self._run_batch, observer=_OBSERVER
        )

    def buy(self, job: PurchaseJob) -> StoredResponse:
        """The response to a purchase. Raises the error that refuses it, and Unavailable."""
        return self._executor.submit(job)

    def _run_batch(self, drain: Drain[PurchaseJob]) -> Sequence[StoredResponse | BaseException]:
        def attempt(session: Session) -> list[StoredResponse | AppError]:
            return self._buy(session, drain())

        try:
            return ledger_transaction(attempt, exclusive=True, pipelined=True)
        except Unavailable:
            raise
        except Exception as error:
            # One of them may be the cause, or the outcome of the COMMIT is unknown.
            uncertain = error if isinstance(error, OutcomeUnknown) else None
            return [self._buy_alone(job, uncertain) for job in drain()]

    def _buy_alone(
        self, job: PurchaseJob, uncertain: OutcomeUnknown | None
    ) -> StoredResponse | AppError | BaseException:
        def attempt(session: Session) -> StoredResponse | AppError:
            (outcome,) = self._buy(session, [job])
            return outcome

        def run() -> StoredResponse | AppError:
            # The purchase may have been committed before the connection was lost.
            with reading() as session:
                earlier = service.get_completed_order(session, job)
            if earlier is not None:
                return self._render(earlier)
            return ledger_transaction(attempt, exclusive=True, pipelined=True)

        try:
            return retry_until_known(run, uncertain=uncertain)
        except Exception as error:
            return error

    def _buy(
        self, session: Session, jobs: Sequence[PurchaseJob]
    ) -> list[StoredResponse | AppError]:
        return service.buy_all(session, jobs, fee_bps=self._fee_bps(), render=self._render)
