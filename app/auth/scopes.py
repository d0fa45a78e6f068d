"""Scopes of API keys."""

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    REFUNDS_WRITE = "refunds:write"
    DELIVERY_READ = "delivery:read"
    DELIVERY_WRITE = "delivery:write"
    WALLET_READ = "wallet:read"
    WALLET_WRITE = "wallet:write"
    PAYMENT_REQUESTS_READ = "payment_requests:read"
    PAYMENT_REQUESTS_WRITE = "payment_requests:write"
    TRANSFERS_WRITE = "transfers:write"
    PAYOUTS_WRITE = "payouts:write"


#: What each scope allows. No scope includes another.
_MEANINGS: Final[dict[Scope, str]] = {
    Scope.PRODUCTS_READ: "list the merchant's products, including inactive ones",
    Scope.PRODUCTS_WRITE: "create, update, restock and delete products",
    Scope.ORDERS_READ: "read sales and purchases",
    Scope.ORDERS_WRITE: "buy products from the wallet",
    Scope.REFUNDS_WRITE: "refund buyers from the wallet",
    Scope.DELIVERY_READ: "read delivered goods, and the stock of goods for sale",
    Scope.DELIVERY_WRITE: "add and remove the codes, licences and files for sale",
    Scope.WALLET_READ: "read balance, history, statements, limits, holds, transfers, on-ramps,"
    " payouts and saved bank accounts (masked)",
    Scope.WALLET_WRITE: "receive money: deposits, on-ramps, capturing and voiding holds",
    Scope.PAYMENT_REQUESTS_READ: "read payment requests and merchant codes, with their links",
    Scope.PAYMENT_REQUESTS_WRITE: "request money: create, cancel and decline payment requests,"
    " create and deactivate merchant codes",
    Scope.TRANSFERS_WRITE: "send money to other users: transfers, holds, paying payment requests"
    " and merchant codes",
    Scope.PAYOUTS_WRITE: "take money out: withdrawals, and payouts to saved bank accounts",
}

#: The scopes that allow spending money from the wallet.
SPENDING: Final = frozenset(
    {Scope.ORDERS_WRITE, Scope.REFUNDS_WRITE, Scope.TRANSFERS_WRITE, Scope.PAYOUTS_WRITE}
)

#: The description of each scope, in Markdown.
DESCRIPTIONS: Final = {
    scope: f"**money:** {meaning}" if scope in SPENDING else meaning
    for scope, meaning in _MEANINGS.items()
}
