"""What a user can have only so much of."""

from enum import StrEnum
from typing import Final


class Quota(StrEnum):
    """Rows and bytes that stay until their owner deletes or closes them."""

    PRODUCTS = "PRODUCTS"
    COUPONS = "COUPONS"
    CODES = "CODES"
    FILE_BYTES = "FILE_BYTES"
    API_KEYS = "API_KEYS"
    WEBHOOK_ENDPOINTS = "WEBHOOK_ENDPOINTS"
    MERCHANT_CODES = "MERCHANT_CODES"
    PAYMENT_REQUESTS = "PAYMENT_REQUESTS"
    HOLDS = "HOLDS"

    @property
    def noun(self) -> str:
        """What is counted, in the plural."""
        return _NOUNS[self]


_NOUNS: Final = {
    Quota.PRODUCTS: "products",
    Quota.COUPONS: "coupons",
    Quota.CODES: "unsold codes",
    Quota.FILE_BYTES: "bytes of files",
    Quota.API_KEYS: "valid API keys",
    Quota.WEBHOOK_ENDPOINTS: "webhook endpoints",
    Quota.MERCHANT_CODES: "active merchant codes",
    Quota.PAYMENT_REQUESTS: "open payment requests",
    Quota.HOLDS: "active holds",
}
