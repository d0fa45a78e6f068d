"""HTTP requests as text, for the load generator."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

from bench.servers import BANK, BANK_KEY
from bench.shop import PASSWORD, User


def get(path: str, user: User | None = None) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{_authorization(user)}\r\n"


def post(path: str, body: dict[str, Any], user: User | None = None, *, headers: str = "") -> str:
    text = json.dumps(body)
    return (
        f"POST /api/v1{path} HTTP/1.1\r\nHost: bench\r\n{_authorization(user)}{headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    )


def movement(path: str, body: dict[str, Any], user: User) -> str:
    """A request that moves money, with a new idempotency key each time it is sent."""
    return post(path, body, user, headers="Idempotency-Key: bench-{n}\r\n")


def purchase(buyer: User, product: UUID) -> str:
    return movement("/orders", {"productId": str(product), "paymentMethod": "WALLET"}, buyer)


def deposit(user: User) -> str:
    return movement("/wallet/deposit", {"amount": "0.01"}, user)


def withdrawal(user: User) -> str:
    return movement("/wallet/withdraw", {"amount": "1.00"}, user)


def transfer(sender: User, receiver: User) -> str:
    body = {"recipient": {"userId": str(receiver.id)}, "amount": "0.01"}
    return movement("/transfers", body, sender)


def hold(payer: User, merchant: User) -> str:
    return movement("/wallet/holds", {"payeeId": str(merchant.id), "amount": "0.01"}, payer)


def capture(merchant: User, hold_id: UUID) -> str:
    return movement(f"/wallet/holds/{hold_id}/capture", {}, merchant)


def refund(merchant: User, order_id: UUID) -> str:
    return movement(f"/orders/{order_id}/refunds", {}, merchant)


def login(user: User) -> str:
    return post("/auth/login", {"email": user.email, "password": PASSWORD})


def webhook(user_id: UUID, token: str) -> str:
    """A signed notification from the bank, at the current time, that $1.00 was paid."""
    data = {"reference": token, "amount": "1.00", "currency": "USD", "userId": str(user_id)}
    body = {"type": "payment.succeeded", "data": data}
    now, event_id = datetime.now(UTC), f"evt_{token}"
    signature = Webhook(BANK_KEY).sign(event_id, now, json.dumps(body))
    headers = (
        f"webhook-id: {event_id}\r\nwebhook-timestamp: {int(now.timestamp())}\r\n"
        f"webhook-signature: {signature}\r\n"
    )
    return post(f"/onramp/webhooks/{BANK['code']}", body, headers=headers)


def _authorization(user: User | None) -> str:
    return f"Authorization: Bearer {user.token}\r\n" if user else ""
