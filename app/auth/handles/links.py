"""Signed addresses with which people verify an email address."""

from typing import Final

from app.auth.signed_links import SignedLinks

LINKS: Final = SignedLinks("/email/verify", "email verification")
