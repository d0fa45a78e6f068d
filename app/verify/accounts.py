"""Accounts and sessions."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "Every user has a wallet",
        "SELECT u.id FROM users u LEFT JOIN wallets w ON w.user_id = u.id WHERE w.id IS NULL",
    ),
    Invariant(
        "Every email address has its key, and only what an account has is verified",
        """
        SELECT id FROM users
        WHERE (email IS NULL) <> (email_key IS NULL)
            OR (email IS NULL AND email_verified_at IS NOT NULL)
            OR (phone IS NULL AND phone_verified_at IS NOT NULL)
        """,
    ),
    Invariant(
        "An enabled second factor was confirmed with a code and has ten recovery codes",
        """
        SELECT f.user_id FROM two_factors f LEFT JOIN recovery_codes r ON r.user_id = f.user_id
        GROUP BY f.user_id
        HAVING (f.confirmed_at IS NULL) <> (f.last_step IS NULL)
            OR count(r.user_id) <> CASE WHEN f.confirmed_at IS NULL THEN 0 ELSE 10 END
        """,
    ),
    Invariant(
        "At most one live refresh token per session",
        "SELECT session_id FROM refresh_tokens WHERE used_at IS NULL"
        " GROUP BY 1 HAVING count(*) > 1",
    ),
)
