"""Signed addresses of order pages."""

from typing import Final

from app.auth.revocable_links import RevocableLinks

LINKS: Final = RevocableLinks("/orders", "order page")
