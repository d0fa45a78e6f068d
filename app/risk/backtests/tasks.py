"""Jobs of backtests."""

from functools import partial
from typing import Final
from uuid import UUID

from app.common import queue
from app.common.db import reading, retry_transaction
from app.risk.backtests import service

#: Batches per job, so that other jobs are not delayed for long.
_BATCHES_PER_JOB: Final = 20


def run_backtest(backtest_id: UUID) -> None:
    """Evaluate a backtest, and continue in another job if there are more attempts. Safe to run
    twice: what was evaluated is stored with the result, in one transaction."""
    batch = partial(service.evaluate_batch, backtest_id=backtest_id)
    for _ in range(_BATCHES_PER_JOB):
        if not retry_transaction(batch):
            return
    queue.enqueue(run_backtest, backtest_id)


def sweep() -> int:
    """Resume backtests whose job was lost. Returns the number of those that run."""
    with reading() as session:
        found = service.list_running(session)
    for backtest_id in found:
        queue.enqueue(run_backtest, backtest_id)
    return len(found)
