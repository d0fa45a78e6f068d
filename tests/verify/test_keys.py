"""API keys: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it. {buyer} is the buyer's id.
CORRUPTIONS = {
    "Every API key has its own session, of its merchant, with the same expiry": """
        UPDATE login_sessions SET kind = 'LOGIN' WHERE kind = 'API_KEY'
    """,
    "No API key can be refreshed": """
        INSERT INTO refresh_tokens (id, session_id, created_at)
        SELECT gen_random_uuid(), id, now() FROM login_sessions WHERE kind = 'API_KEY'
    """,
    "Every created or revoked API key has its outbox event": """
        DELETE FROM outbox_events WHERE type = 'api-key-created'
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


SESSION = "Every API key has its own session, of its merchant, with the same expiry"
EVENT = "Every created or revoked API key has its outbox event"


@pytest.mark.parametrize(
    ("name", "corruption"),
    [
        (SESSION, "DELETE FROM api_keys"),
        (SESSION, "DELETE FROM login_sessions WHERE kind = 'API_KEY'"),
        (SESSION, "UPDATE api_keys SET user_id = '{buyer}'"),
        (SESSION, "UPDATE login_sessions SET user_id = '{buyer}' WHERE kind = 'API_KEY'"),
        (SESSION, "UPDATE users SET role = 'USER' WHERE role = 'MERCHANT'"),
        (
            SESSION,
            "UPDATE api_keys SET expires_at = expires_at + interval '1 s' WHERE expires_at > now()",
        ),
        (EVENT, "DELETE FROM outbox_events WHERE type = 'api-key-revoked'"),
        (EVENT, "UPDATE login_sessions SET revoked_at = NULL WHERE kind = 'API_KEY'"),
    ],
)
def test_another_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
