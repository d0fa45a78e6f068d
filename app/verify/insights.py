"""The feed of transactions and its sums, and the counts of requests.

The oldest minutes are deleted by the retention, so a day or hour of which some may be missing has
at least what its minutes have.
"""

from typing import Final

from app.insights.transactions.models import COUNTS
from app.insights.transactions.sums import SUMS_OF_FEED
from app.verify.invariant import Invariant

_SINCE: Final = "date_trunc('minute', CAST(:since AS timestamptz))"
#: The first minute that is left, maybe not of every currency. Older transactions may be deleted.
_FIRST: Final = "coalesce((SELECT min(starts_at) FROM transaction_minutes), '-infinity')"
_FEED_SINCE: Final = f"greatest({_SINCE}, {_FIRST})"


def _sums_of_minutes(
    unit: str, *, minutes: str, sums: str, key: str, counts: tuple[str, ...]
) -> str:
    """SQL for the sums of days or hours that are not those of their minutes."""
    first = f"date_trunc('{unit}', (SELECT min(starts_at) FROM {minutes}), 'UTC')"  # noqa: S608
    added = ", ".join(f"CAST(sum({name}) AS bigint) AS {name}" for name in counts)
    of_minutes, stored = (", ".join(f"{side}.{name}" for name in counts) for side in "ms")
    within = " AND ".join(f"m.{name} <= s.{name}" for name in counts)
    return f"""
        SELECT starts_at, {key}
        FROM (
            SELECT date_trunc('{unit}', starts_at, 'UTC') AS starts_at, {key}, {added}
            FROM {minutes} GROUP BY 1, 2
        ) m FULL JOIN (SELECT * FROM {sums} WHERE starts_at >= {first}) s USING (starts_at, {key})
        WHERE CASE WHEN starts_at > {first} THEN ({of_minutes}) IS DISTINCT FROM ({stored})
            ELSE NOT coalesce({within}, m.{counts[0]} IS NULL) END
    """  # noqa: S608 – names from our own code


INVARIANTS: Final = (
    Invariant(
        "An approved transaction of the feed is what was posted",
        """
        SELECT f.id
        FROM feed_transactions f
            LEFT JOIN orders o ON o.id = f.transaction_id AND f.kind = 'PURCHASE'
            LEFT JOIN transfers t ON t.id = f.transaction_id
                AND f.kind IN ('TRANSFER', 'PAYMENT_REQUEST', 'MERCHANT_CODE')
            LEFT JOIN wallet_holds h ON h.id = f.transaction_id AND f.kind = 'HOLD'
            LEFT JOIN payouts p ON p.id = f.transaction_id AND f.kind = 'PAYOUT'
            LEFT JOIN LATERAL (
                SELECT owner.user_id, -posting.amount AS amount, posting.currency
                FROM wallet_transactions posting JOIN wallets owner ON owner.id = posting.wallet_id
                WHERE posting.journal_entry_id = f.transaction_id AND f.kind = 'WITHDRAWAL'
                    AND owner.user_id IS NOT NULL
            ) w ON true
        WHERE f.occurred_at >= :since AND f.status = 'APPROVED'
            AND (f.user_id, f.amount, f.currency) IS DISTINCT FROM (
                coalesce(o.user_id, t.sender_id, h.initiator_id, p.user_id, w.user_id),
                coalesce(o.amount, t.amount, h.amount, p.amount, w.amount),
                coalesce(o.currency, t.currency, h.currency, p.currency, w.currency))
        """,
    ),
    Invariant(
        "A transaction of the feed has the number of its user",
        """
        SELECT f.id FROM feed_transactions f LEFT JOIN feed_users u ON u.user_id = f.user_id
        WHERE f.occurred_at >= :since AND u.number IS DISTINCT FROM f.user_number
        """,
    ),
    Invariant(
        "The sums of a minute are those of the transactions of the feed",
        f"""
        SELECT starts_at, currency
        FROM ({SUMS_OF_FEED.format(unit="minute").replace(":since", _FEED_SINCE)}) f
            FULL JOIN (SELECT * FROM transaction_minutes WHERE starts_at >= {_SINCE}) s
                USING (starts_at, currency)
        WHERE ({", ".join(f"f.{name}" for name in COUNTS)})
            IS DISTINCT FROM ({", ".join(f"s.{name}" for name in COUNTS)})
            AND (starts_at > {_FIRST} OR s.approved IS NOT NULL)
        """,  # noqa: S608 – names from our own code
    ),
    Invariant(
        "The sums of a day are those of its minutes",
        _sums_of_minutes(
            "day",
            minutes="transaction_minutes",
            sums="transaction_days",
            key="currency",
            counts=COUNTS,
        ),
    ),
    Invariant(
        "The requests of an hour are those of its minutes",
        _sums_of_minutes(
            "hour",
            minutes="request_minutes",
            sums="request_hours",
            key="duration",
            counts=("requests", "errors"),
        ),
    ),
)
