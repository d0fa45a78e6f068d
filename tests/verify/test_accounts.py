"""Accounts and sessions: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it. {buyer} is the buyer's id.
CORRUPTIONS = {
    "Every user has a wallet": """
        INSERT INTO users
            (id, email, email_key, password_hash, role, email_public, is_active,
             created_at, updated_at)
        VALUES (gen_random_uuid(), 'a@b.test', 'a@b.test', '', 'USER', false, true, now(), now())
    """,
    "Every email address has its key, and only what an account has is verified": """
        UPDATE users SET phone = NULL, phone_verified_at = now() WHERE id = '{buyer}'
    """,
    "An enabled second factor was confirmed with a code and has ten recovery codes": """
        INSERT INTO two_factors (user_id, secret, last_step, created_at, confirmed_at)
        VALUES ('{buyer}', '', 1, now(), now())
    """,
    "At most one live refresh token per session": """
        UPDATE refresh_tokens SET used_at = NULL
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])
