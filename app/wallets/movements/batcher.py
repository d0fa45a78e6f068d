"""Batches of movements: one SERIALIZABLE transaction for many requests.

The leading thread locks all rows in a fixed order, decides each movement in order of arrival and
writes all of them together. One fsync serves many movements, and no transactions compete for a hot
row (docs/decisions/0003).
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import takewhile
from typing import Any, Final, TypeVar, cast

from sqlalchemy.orm import Session

from app.common import metrics
from app.common.batch_executor import BatchExecutor, Drain
from app.common.db import OutcomeUnknown
from app.common.driver import leave_pipeline
from app.common.errors import AppError, Unavailable
from app.idempotency.service import StoredResponse, retry_until_known
from app.ledger_lock.service import ledger_transaction
from app.wallets.errors import DecideLater
from app.wallets.movements.service import Job, execute_all

T = TypeVar("T")

#: Work that is a transaction of its own.
Work = Callable[[Session], Any]
Outcome = StoredResponse | BaseException

_OBSERVER = metrics.batch_observer("ledger", of="movements")
_MOVEMENTS: Final = metrics.counter(
    "payment_flow_movements_total",
    "Movements of money by kind and outcome: `completed`, `replayed`, or the code of the error",
    "kind",
    "outcome",
)
_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")


class LedgerBatcher:
    """Runs the ledger transactions of the requests of this process, one at a time."""

    def __init__(self) -> None:
        self._executor: BatchExecutor[Job | Work, Any] = BatchExecutor(
            _run,
            stands_alone=lambda request: not isinstance(request, Job),
            observer=_OBSERVER,
            name="ledger batch",
        )

    def submit(self, job: Job) -> StoredResponse:
        """The response to a movement. Raises the error that refuses it, and Unavailable."""
        try:
            response = cast("StoredResponse", self._executor.submit(job))
        except Exception as error:
            _count(job, error.code if isinstance(error, AppError) else "INTERNAL_ERROR")
            raise
        _count(job, "replayed" if response.replayed else response.code or "completed")
        return response

    def run_alone(self, work: Callable[[Session], T]) -> T:
        """Run `work(session)` in a ledger transaction of its own, on this thread.

        Raises what it raises, and Unavailable.
        """
        return cast("T", self._executor.submit(work))


def _count(job: Job, outcome: str) -> None:
    _MOVEMENTS.labels(_kind_of(type(job.movement)), outcome).inc()


@cache
def _kind_of(movement: type) -> str:
    """The name of its class with underscores, such as `wallet_purchase`."""
    return _CAPITAL.sub("_", movement.__name__).lower()


def _run(drain: Drain[Job | Work]) -> Sequence[Any]:
    """Execute a batch. It is drained under the ledger lock: until then, more requests may join."""
    done: list[Any] = []
    decided: list[Any] = []  # in the last attempt

    def attempt(session: Session) -> Sequence[Any]:
        decided.clear()
        requests = drain()
        if not isinstance(requests[0], Job):
            leave_pipeline(session)
            return [requests[0](session)]
        decided.extend(execute_all(session, cast("Sequence[Job]", requests)[len(done) :]))
        return list(decided)

    while not done or len(done) < len(drain()):
        try:
            outcomes = ledger_transaction(attempt, pipelined=True)
        except Exception as error:
            done += _after_failure(drain()[len(done) :], decided, error)
        else:
            done += takewhile(lambda outcome: not isinstance(outcome, DecideLater), outcomes)
    return done


def _after_failure(
    requests: Sequence[Job | Work], decided: Sequence[Any], error: Exception
) -> Sequence[Any]:
    """The outcomes of requests whose transaction has failed. decided: what it had decided."""
    if isinstance(error, Unavailable) or not isinstance(requests[0], Job):
        return [error] * len(requests)
    jobs = cast("Sequence[Job]", requests)
    if not isinstance(error, OutcomeUnknown):  # one of them may be the cause
        return [_execute_alone(job, None) for job in jobs]
    return [
        # What was refused was not committed in any case.
        _execute_alone(job, None if isinstance(outcome, AppError) else error)
        for job, outcome in zip(jobs, decided, strict=True)
    ]


def _execute_alone(job: Job, uncertain: OutcomeUnknown | None) -> Outcome:
    """The outcome of a movement. uncertain: the error of an earlier attempt, if it may have been
    committed."""
    errors = [uncertain] if uncertain is not None else []

    def attempt(session: Session) -> Outcome:
        if errors:
            # Under the ledger lock, which the earlier attempt held until it ended.
            earlier = job.movement.find_result(
                session, user_id=job.user_id, attempt_id=job.attempt_id
            )
            if earlier is not None:
                return job.render(earlier)
        (outcome,) = execute_all(session, [job])
        if errors and isinstance(outcome, AppError) and not job.is_safe_to_refuse:
            return errors[0]  # the earlier attempt may be the reason for the refusal
        return outcome

    def run() -> Outcome:
        try:
            # SQLAlchemy reads at once what `find_result` asks for.
            return ledger_transaction(attempt, pipelined=not errors)
        except OutcomeUnknown as error:
            errors.append(error)
            raise

    try:
        return retry_until_known(run, uncertain=uncertain)
    except Exception as error:
        return error
