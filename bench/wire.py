"""Requests as they go over the wire, for the load generator."""

import json
from typing import Any
from uuid import UUID

from bench.shop import PASSWORD, Person


def get(path: str, person: Person | None = None) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{_authorization(person)}\r\n"


def post(
    path: str, body: dict[str, Any], person: Person | None = None, *, headers: str = ""
) -> str:
    text = json.dumps(body)
    return (
        f"POST /api/v1{path} HTTP/1.1\r\nHost: bench\r\n{_authorization(person)}{headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    )


def purchase(buyer: Person, product: UUID) -> str:
    """With a key of its own each time that it is sent."""
    body = {"productId": str(product), "paymentMethod": "WALLET"}
    return post("/orders", body, buyer, headers="Idempotency-Key: bench-{n}\r\n")


def deposit(person: Person) -> str:
    return post("/wallet/deposit", {"amount": "0.01"}, person)


def login(person: Person) -> str:
    return post("/auth/login", {"email": person.email, "password": PASSWORD})


def _authorization(person: Person | None) -> str:
    return f"Authorization: Bearer {person.token}\r\n" if person else ""
