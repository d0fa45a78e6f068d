"""What an API key can be allowed to do."""

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


#: What each allows, for who makes a key. None includes another.
_MEANINGS: Final[dict[Scope, str]] = {
    Scope.PRODUCTS_READ: "list my products, also those that are not on sale",
    Scope.PRODUCTS_WRITE: "put products on sale, change, restock and delete them",
    Scope.ORDERS_READ: "see my sales and my purchases",
    Scope.ORDERS_WRITE: "buy, paid from my wallet",
    Scope.REFUNDS_WRITE: "give buyers their money back, from my wallet",
    Scope.DELIVERY_READ: "see the goods that were delivered to me, and the state of those I sell",
    Scope.DELIVERY_WRITE: "add and remove the codes, licences and files that I sell",
    Scope.WALLET_READ: "see balance, history, statements, limits, holds, transfers, on-ramps,"
    " payouts and saved bank accounts (masked)",
    Scope.WALLET_WRITE: "bring money in: deposits, on-ramps, capturing and voiding what was"
    " promised to me",
    Scope.PAYMENT_REQUESTS_READ: "see my payment requests and codes, with their links",
    Scope.PAYMENT_REQUESTS_WRITE: "ask for money: make, cancel and decline payment requests, make"
    " codes and take them out of use",
    Scope.TRANSFERS_WRITE: "send money to people: transfers, holds, paying requests and codes",
    Scope.PAYOUTS_WRITE: "take money out: withdrawals, and payouts to the bank accounts that are"
    " saved",
}

#: With these, and no others, money can leave the wallet.
MONEY_LEAVES: Final = frozenset(
    {Scope.ORDERS_WRITE, Scope.REFUNDS_WRITE, Scope.TRANSFERS_WRITE, Scope.PAYOUTS_WRITE}
)

#: What each means, in Markdown.
EXPLAINED: Final = {
    scope: f"**money:** {meaning}" if scope in MONEY_LEAVES else meaning
    for scope, meaning in _MEANINGS.items()
}
