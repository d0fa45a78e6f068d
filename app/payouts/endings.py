"""What became of screened payouts: whether the bank has paid them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from app.payouts import repository
from app.payouts.models import OPEN, PayoutStatus
from app.risk.past import Ending, PastAttempt, as_json


def find_endings(session: Session, attempts: Sequence[PastAttempt]) -> Mapping[UUID, Ending]:
    """As of `past.endings`."""
    rows = repository.list_screened(session, as_json(attempts))
    found: dict[UUID, Ending] = {}
    for row in rows:
        if row.status == PayoutStatus.REFUSED:
            found[row.id] = Ending.FAILED
        elif row.status in OPEN:
            found[row.id] = Ending.PENDING
    return found
