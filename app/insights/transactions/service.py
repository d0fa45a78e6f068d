"""The feed of transactions."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from app.insights.transactions import repository
from app.insights.transactions.models import FeedTransaction


def list_latest(
    session: Session,
    limit: int,
    user_id: UUID | None = None,
    merchant_id: UUID | None = None,
) -> Sequence[FeedTransaction]:
    """The latest transactions, newest first: all of them, or those of one payer or merchant."""
    return repository.list_latest(session, limit=limit, user_id=user_id, merchant_id=merchant_id)


def list_after(session: Session, last_id: int, *, limit: int) -> Sequence[FeedTransaction]:
    """The transactions that entered the feed after that one, in this order."""
    return repository.list_after(session, last_id, limit=limit)
