"""On-ramps and inbound events."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "A successful on-ramp has exactly its credit: our amount, to our user",
        """
        SELECT o.id FROM onramps o
        LEFT JOIN wallets w ON w.user_id = o.user_id AND w.currency = o.currency
        LEFT JOIN wallet_transactions t ON t.journal_entry_id >= :related
            AND t.reference_type = 'onramp' AND t.reference_id = o.id AND t.type = 'ONRAMP'
        LEFT JOIN wallets h ON h.id = t.wallet_id
        WHERE o.status = 'SUCCESS' AND (o.id >= :first OR o.closed_at >= :since)
        GROUP BY o.id
        HAVING coalesce(sum(t.amount) FILTER (WHERE t.wallet_id = w.id), 0) <> o.amount
            OR coalesce(sum(t.amount) FILTER (WHERE h.code = 'BANK'), 0) <> -o.amount
            OR count(t.id) <> 2
        """,
    ),
    Invariant(
        "No other on-ramp has postings, and every on-ramp posting has its on-ramp",
        """
        SELECT t.id FROM wallet_transactions t
        LEFT JOIN onramps o ON t.reference_type = 'onramp' AND o.id = t.reference_id
        WHERE t.journal_entry_id >= :first AND (t.type = 'ONRAMP' OR t.reference_type = 'onramp')
            AND (t.type <> 'ONRAMP' OR o.id IS NULL OR o.status <> 'SUCCESS')
        """,
    ),
    Invariant(
        "An on-ramp's timestamps match its status",
        """
        SELECT id FROM onramps
        WHERE (status = 'PROCESSING') <> (closed_at IS NULL)
            OR expires_at <= created_at OR (status = 'EXPIRED' AND closed_at < expires_at)
            OR (late AND status <> 'SUCCESS')
        """,
    ),
    Invariant(
        "An on-ramp that a bank ended has exactly one inbound event, with the same values",
        """
        SELECT o.id FROM onramps o LEFT JOIN inbound_events e ON e.id = o.settled_by
        WHERE (o.status IN ('SUCCESS', 'FAILURE')) <> (o.settled_by IS NOT NULL)
            OR (o.settled_by IS NOT NULL AND (e.provider, e.reference, e.type, e.status, e.amount,
                    e.currency, e.user_id)
                IS DISTINCT FROM (o.provider, o.token,
                    CASE o.status WHEN 'SUCCESS' THEN 'payment.succeeded' ELSE 'payment.failed' END,
                    'PROCESSED', o.amount, o.currency, o.user_id::text))
        """,
    ),
    Invariant(
        "An inbound event ends at most one on-ramp",
        "SELECT settled_by FROM onramps WHERE settled_by IS NOT NULL"
        " GROUP BY 1 HAVING count(*) > 1",
    ),
    Invariant(
        "Every handled payment event has ended its on-ramp",
        """
        SELECT e.id FROM inbound_events e
        LEFT JOIN onramps o ON o.provider = e.provider AND o.token = e.reference
        WHERE e.status = 'PROCESSED' AND e.type LIKE 'payment.%'
            AND (o.id IS NULL OR o.status = 'PROCESSING'
                OR (e.type = 'payment.succeeded' AND o.status <> 'SUCCESS'))
        """,
    ),
    Invariant(
        "An inbound event's timestamps match its status",
        """
        SELECT id FROM inbound_events
        WHERE (status = 'RECEIVED') <> (processed_at IS NULL)
            OR (attempts = 0 AND next_attempt_at <> received_at)
            OR (status IN ('QUARANTINED', 'DISMISSED') AND last_error IS NULL)
        """,
    ),
    Invariant(
        # An administrator who has an event handled again is in the audit log.
        "Every ended on-ramp and every quarantined event has its outbox event",
        """
        SELECT o.id FROM onramps o LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = o.id AND e.aggregate_type = 'onramp'
            AND e.type = CASE o.status WHEN 'SUCCESS' THEN 'onramp-succeeded'
                ELSE 'onramp-failed' END
        WHERE o.id >= :recorded AND o.status <> 'PROCESSING' GROUP BY o.id HAVING count(e.id) <> 1
        UNION ALL
        SELECT b.id FROM inbound_events b LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = b.id AND e.type = 'bank-event-quarantined'
        WHERE b.id >= :recorded
        GROUP BY b.id
        HAVING count(e.id) <> (b.status IN ('QUARANTINED', 'DISMISSED'))::integer + (
            SELECT count(*) FROM audit_log a
            WHERE a.target_id = b.id AND a.action = 'inbound-event.retry'
        )
        """,
    ),
)
