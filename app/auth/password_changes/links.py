"""Signed addresses with which people set a new password."""

from typing import Final

from app.auth.signed_links import SignedLinks

LINKS: Final = SignedLinks("/password/reset", "password reset")
