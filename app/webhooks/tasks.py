"""Jobs of webhooks."""

from functools import partial
from uuid import UUID

from app.common import queue
from app.common.db import reading, retry_transaction
from app.webhooks import replays


def queue_replay(replay_id: UUID) -> int:
    """Queue the deliveries of a replay. Returns about how many. Safe to run twice."""
    batch = partial(replays.queue_batch, replay_id=replay_id)
    return queue.until_done(partial(retry_transaction, batch))


def sweep() -> int:
    """Enqueue a job for each replay that is not complete. Returns their number."""
    with reading() as session:
        found = replays.list_open(session)
    for replay_id in found:
        queue.enqueue(queue_replay, replay_id)
    return len(found)
