"""API keys."""

from typing import Final

from app.auth.api_keys.service import NEVER
from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "Every API key has its own session, of its merchant, with the same expiry",
        f"""
        SELECT coalesce(k.id, s.id)
        FROM api_keys k
        FULL JOIN (SELECT * FROM login_sessions WHERE kind = 'API_KEY') s ON s.id = k.id
        LEFT JOIN users u ON u.id = k.user_id
        WHERE k.id IS NULL OR s.id IS NULL OR u.role <> 'MERCHANT' OR s.user_id <> k.user_id
            OR s.expires_at <> coalesce(k.expires_at, '{NEVER.isoformat()}')
        """,  # noqa: S608 – a timestamp from our own code
    ),
    Invariant(
        "No API key can be refreshed",
        """
        SELECT s.id FROM login_sessions s JOIN refresh_tokens r ON r.session_id = s.id
        WHERE s.kind = 'API_KEY'
        """,
    ),
    Invariant(
        "Every created or revoked API key has its outbox event",
        """
        SELECT s.id FROM login_sessions s
        LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_type = 'api_key' AND e.aggregate_id = s.id
        WHERE s.id >= :recorded AND s.kind = 'API_KEY'
        GROUP BY s.id
        HAVING count(*) FILTER (WHERE e.type = 'api-key-created') <> 1
            OR count(*) FILTER (WHERE e.type = 'api-key-revoked')
                <> CASE WHEN s.revoked_at IS NULL THEN 0 ELSE 1 END
        """,
    ),
)
