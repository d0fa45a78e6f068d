"""The till: purchases of many requests in one transaction each.

One SERIALIZABLE transaction per batch: whoever leads locks everything in order, decides each
purchase in the order of arrival and writes them all at once. One fsync serves many, and nobody
fights for a hot row (docs/decisions/0003).
"""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from app.common import metrics
from app.common.batch_executor import Combiner, Take
from app.common.db import OutcomeUnknown, reading, retry_transaction
from app.common.driver import start_pipeline
from app.common.errors import AppError, Unavailable
from app.idempotency.service import Answer, settle
from app.orders.purchases import service
from app.orders.purchases.service import Job, Render
from app.wallets import service as wallets

_WATCH = metrics.watch("till", of="purchases")


class Till:
    """Sells.

    fee_bps: tells the platform's share in hundredths of a percent; render: how an order becomes
    an answer.
    """

    def __init__(self, *, fee_bps: Callable[[], int], render: Render) -> None:
        self._fee_bps = fee_bps
        self._render = render
        self._combiner: Combiner[Job, Answer] = Combiner(self._sell, watch=_WATCH)

    def sell(self, job: Job) -> Answer:
        """What becomes of the purchase. Raises what refuses it, and Unavailable."""
        return self._combiner.submit(job)

    def _sell(self, take: Take[Job]) -> Sequence[Answer | BaseException]:
        def attempt(session: Session) -> list[Answer | AppError]:
            self._come_to_the_front(session)
            return self._buy(session, take())

        try:
            return retry_transaction(attempt, serializable=True)
        except Unavailable:
            raise
        except Exception as error:
            # Perhaps one of them is the reason, or it is not known whether they were sold.
            uncertain = error if isinstance(error, OutcomeUnknown) else None
            return [self._sell_alone(job, uncertain) for job in take()]

    def _sell_alone(
        self, job: Job, uncertain: OutcomeUnknown | None
    ) -> Answer | AppError | BaseException:
        def attempt(session: Session) -> Answer | AppError:
            self._come_to_the_front(session)
            (outcome,) = self._buy(session, [job])
            return outcome

        def run() -> Answer | AppError:
            # It may have been sold before the connection broke: then that is the answer.
            with reading() as session:
                earlier = service.sold_before(session, job)
            if earlier is not None:
                return self._render(earlier)
            return retry_transaction(attempt, serializable=True)

        try:
            return settle(run, uncertain=uncertain)
        except Exception as error:
            return error

    @staticmethod
    def _come_to_the_front(session: Session) -> None:
        start_pipeline(session)
        wallets.stand_in_line(session, alone=True)

    def _buy(self, session: Session, jobs: Sequence[Job]) -> list[Answer | AppError]:
        return service.buy_all(session, jobs, fee_bps=self._fee_bps(), render=self._render)
