"""A purchase under review, and everything else that happens to it, in every order."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common.db import transaction
from app.risk.cases import tasks
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.orders.helpers import buy, units
from tests.orders.refunds.helpers import refund, shown
from tests.risk.helpers import decide_case, open_cases
from tests.wallets.helpers import lock, wallet_of

LARGE = "6000.00"
STEPS = ("release", "reject", "expire", "refund", "lock", "delete")
#: How many of them happen to each purchase.
LENGTH = 3

pytestmark = pytest.mark.stress


class Purchase:
    """One of 6,000 out of 10,000, of a product with five units."""

    def __init__(self, client: FlaskClient, admin: Actor) -> None:
        self.client, self.admin = client, admin
        self.buyer, self.seller = factories.buyer("10000.00"), factories.merchant()
        self.product_id = factories.product(self.seller, price=LARGE, units=5)
        self.order_id: str = buy(client, self.buyer, self.product_id).json["id"]
        (case,) = open_cases(client, admin, newest=True)
        self.case_id: str = case["id"]
        assert case["referenceId"] == self.order_id

    def do(self, step: str) -> int:
        """The status of the response."""
        return getattr(self, f"_{step}")()  # type: ignore[no-any-return]

    def _release(self) -> int:
        return decide_case(self.client, self.admin, self.case_id, "release").status_code

    def _reject(self) -> int:
        return decide_case(self.client, self.admin, self.case_id, "reject").status_code

    def _expire(self) -> int:
        with transaction() as session:
            factories.as_owner(
                session,
                "UPDATE risk_cases SET expires_at = now()"
                f" WHERE status = 'OPEN' AND id = '{self.case_id}'",
            )
        return 200 if tasks.expire_cases() else 409

    def _refund(self) -> int:
        return refund(self.client, self.seller, self.order_id).status_code

    def _lock(self) -> int:
        return lock(self.client, self.buyer).status_code

    def _delete(self) -> int:
        path = f"/api/v1/products/{self.product_id}"
        return self.client.delete(path, headers=self.seller.headers).status_code


def expected(steps: tuple[str, ...]) -> str:
    """The status of the order after these steps."""
    status, is_locked = "PENDING_REVIEW", False
    for step in steps:
        is_open = status == "PENDING_REVIEW"
        if step == "lock":
            is_locked = True
        elif step == "release" and is_open and not is_locked:
            status = "COMPLETED"
        elif step in {"reject", "expire"} and is_open:
            status = "FAILED"
        elif step == "refund" and status == "COMPLETED" and not is_locked:
            status = "REFUNDED"
    return status


def test_the_books_hold_in_every_order_of_events(
    committing: Flask, change_settings: Callable[..., None]
) -> None:
    change_settings(two_factor_above=Decimal(10**9))
    client, admin = committing.test_client(), factories.admin()
    for steps in permutations(STEPS, LENGTH):
        purchase = Purchase(client, admin)
        answers = {step: purchase.do(step) for step in steps}

        assert max(answers.values()) < 500, (steps, answers)
        decided = [answers[step] for step in ("release", "reject", "expire") if step in answers]
        assert decided.count(200) <= 1, (steps, answers)
        order = shown(client, purchase.buyer, purchase.order_id)
        assert order["status"] == expected(steps), (steps, answers)
        wallet = wallet_of(client, purchase.buyer)
        is_paid = order["status"] == "COMPLETED"
        waits = order["status"] == "PENDING_REVIEW"
        assert wallet["balance"] == ("4000.00" if is_paid else "10000.00")
        assert wallet["held"] == (LARGE if waits else "0.00")
        earned = wallet_of(client, purchase.seller)["balance"]
        assert Decimal(earned) == (Decimal(LARGE) if is_paid else 0)
        if "delete" not in steps:
            assert units(client, purchase.product_id) == (4 if is_paid or waits else 5)
    assert broken_invariants() == []
