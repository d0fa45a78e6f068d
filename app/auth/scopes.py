"""Scopes of API keys."""

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    COUPONS_READ = "coupons:read"
    COUPONS_WRITE = "coupons:write"
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
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


#: What each scope allows. No scope includes another.
_MEANINGS: Final[dict[Scope, str]] = {
    Scope.PRODUCTS_READ: "list and export the merchant's products, including inactive and deleted"
    " ones, and read the merchant's shop profile and quotas",
    Scope.PRODUCTS_WRITE: "create, import, update, restock and delete products and their images",
    Scope.COUPONS_READ: "read the merchant's coupons, with their codes",
    Scope.COUPONS_WRITE: "create, update and delete coupons, which reduce what buyers pay",
    Scope.ORDERS_READ: "read orders as buyer and as merchant: purchases, sales, sales reports,"
    " refunds, their previews, and refund requests",
    Scope.ORDERS_WRITE: "create orders, paid from the wallet or by card, cancel unpaid ones, claim"
    " giveaways, and create and withdraw refund requests",
    Scope.REFUNDS_WRITE: "pay refunds to buyers from the wallet: of orders, and by approving refund"
    " requests, or decline these",
    Scope.DELIVERY_READ: "read the delivery of the owner's purchases, get and revoke the addresses"
    " of order pages, list and delete the activations of purchased licences, and of the owner's"
    " products read the codes with their uploads, the licence terms, the sold licences with their"
    " activations on machines, the file, and giveaways with their links, claims and codes",
    Scope.DELIVERY_WRITE: "add and remove the codes and the file of products, also by uploads in"
    " parts, set their licence terms and apply them, revoke and reissue sold codes and licences,"
    " delete activations (free machines) of licences, reset the downloads of sold orders, and"
    " create and close giveaways",
    Scope.WALLET_READ: "read the wallet: balance, transactions, the feed of decided ones,"
    " statement, limits, holds, reviews, transfers, on-ramps, payouts and saved bank accounts"
    " (masked), and get and revoke the addresses of transfers' receipts",
    Scope.WALLET_WRITE: "receive money into the wallet, with deposits, on-ramps and by capturing"
    " holds, and void holds",
    Scope.PAYMENT_REQUESTS_READ: "read payment requests and merchant codes, with their links and"
    " QR codes",
    Scope.PAYMENT_REQUESTS_WRITE: "request money: create, cancel and decline payment requests,"
    " create and deactivate merchant codes",
    Scope.TRANSFERS_WRITE: "send money to other users: transfers, holds, paying payment requests"
    " and merchant codes (for one with a product, `orders:write` as well), and look up recipients",
    Scope.PAYOUTS_WRITE: "take money out of the wallet: withdrawals, and payouts to saved bank"
    " accounts",
    Scope.WEBHOOKS_READ: "read webhook endpoints, deliveries to them (each delivery with its"
    " attempts), and replays",
    Scope.WEBHOOKS_WRITE: "create, update, ping and delete webhook endpoints, which receive the"
    " merchant's events, rotate their secrets, and create replays of deliveries",
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
