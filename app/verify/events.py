"""The outbox."""

from typing import Final

from app.events.service import FIRST_IS_KNOWN
from app.verify.invariant import Invariant

_FIRST_IS_KNOWN: Final = ", ".join(f"'{kind}'" for kind in FIRST_IS_KNOWN)

INVARIANTS: Final = (
    Invariant(
        "The events of a record have versions without gaps, in the order of recording",
        """
        SELECT id FROM (
            SELECT id, version,
                lag(version) OVER (PARTITION BY aggregate_id ORDER BY sequence) AS before
            FROM outbox_events WHERE version IS NOT NULL
        ) e
        WHERE id >= :recorded AND version <> before + 1
        """,
        since_sql="""
        SELECT id FROM (
            SELECT id, version,
                lag(version) OVER (PARTITION BY aggregate_id ORDER BY sequence) AS before
            FROM outbox_events WHERE id >= :related AND version IS NOT NULL
        ) e
        WHERE id >= :recorded AND version <> before + 1
        """,
    ),
    Invariant(
        "As many events of a record are in the outbox as have been counted",
        f"""
        SELECT c.aggregate_id FROM event_counts c
        JOIN (
            SELECT aggregate_id, max(version) AS version,
                max(CASE WHEN aggregate_type IN ({_FIRST_IS_KNOWN}) THEN 1 ELSE 0 END) AS uncounted
            FROM outbox_events WHERE id >= :recorded AND version IS NOT NULL GROUP BY aggregate_id
        ) e ON e.aggregate_id = c.aggregate_id
        WHERE e.version <> c.events + e.uncounted
        """,  # noqa: S608 – names from our own code
    ),
    Invariant(
        "The version of a wallet's last event is the wallet's sequence",
        """
        SELECT w.id FROM wallets w
        JOIN (
            SELECT aggregate_id, max(version) AS version FROM outbox_events
            WHERE id >= :recorded AND aggregate_type = 'wallet' GROUP BY aggregate_id
        ) e ON e.aggregate_id = w.id
        WHERE e.version <> w.sequence
        """,
    ),
)
