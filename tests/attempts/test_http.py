"""Attempts at endpoints: counted whatever becomes of the request."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.attempts.models import AttemptBudget
from app.common import db
from app.common.ratelimit import limiter
from tests import factories


def test_a_refused_idempotent_request_costs_an_attempt(
    committing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", True)
    limiter.reset()

    answer = committing.test_client().post(
        "/api/v1/payment-requests",
        json={"payer": {"email": "nobody@example.com"}, "amount": "1.00"},
        headers=factories.actor().headers | {"Idempotency-Key": "guess"},
    )

    assert answer.status_code == 404
    with db.transaction() as session:
        scopes = set(session.scalars(select(AttemptBudget.scope)))
    assert scopes == {"user-lookups/caller", "user-lookups/address"}
