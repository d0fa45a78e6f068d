"""Signed addresses of receipts."""

from typing import Final

from app.auth.revocable_links import RevocableLinks

LINKS: Final = RevocableLinks("/receipts", "receipt")
