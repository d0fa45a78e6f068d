"""What became of screened payouts: whether the bank has paid them."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.driver import send
from app.payouts.models import OPEN, PayoutStatus
from app.risk.past import Ending, PastAttempt, as_json

# A decision does not know its payout. The wallet was locked until both were written, and the payout
# was stamped just after: so it is the first one that is not older.
_PAYOUTS: Final = """
    SELECT d.id, p.status
    FROM jsonb_to_recordset(%(attempts)s::jsonb) AS d (
        id uuid, user_id uuid, amount bigint, currency text, created_at timestamptz, first_id uuid,
        result_id uuid)
    CROSS JOIN LATERAL (
        SELECT status FROM payouts WHERE id = d.result_id
        UNION ALL (
            SELECT status FROM payouts
            WHERE d.result_id IS NULL AND user_id = d.user_id AND id >= d.first_id
                AND amount = d.amount AND currency = d.currency AND created_at >= d.created_at
            ORDER BY id LIMIT 1
        )
    ) p
"""


def find_endings(session: Session, attempts: Sequence[PastAttempt]) -> Mapping[UUID, Ending]:
    """As of `past.endings`."""
    rows = send(session, _PAYOUTS, {"attempts": as_json(attempts)})
    found: dict[UUID, Ending] = {}
    for row in rows:
        if row.status == PayoutStatus.REFUSED:
            found[row.id] = Ending.FAILED
        elif row.status in OPEN:
            found[row.id] = Ending.PENDING
    return found
