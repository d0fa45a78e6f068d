"""Statements of a bank, and asking what is in them that is not in our books."""

import csv
import io
from collections import Counter
from datetime import date
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.common import clock
from app.reconciliation.statement import COLUMNS
from tests import factories
from tests.factories import Actor
from tests.onramp.helpers import asked
from tests.payouts.helpers import pending


def today() -> date:
    return clock.now().date()


def statement(*lines: dict[str, Any]) -> bytes:
    """The file of a bank that has booked these."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def booked(direction: str, reference: object, amount: str = "25.00", **fields: Any) -> Any:
    """A line of it."""
    return {
        "date": today().isoformat(),
        "reference": str(reference),
        "bankReference": f"UTR-{str(reference)[-6:]}",
        "direction": direction,
        "amount": amount,
        "currency": "USD",
        "status": "BOOKED",
    } | fields


def credit(onramp: dict[str, Any], amount: str = "25.00", **fields: Any) -> Any:
    return booked("CREDIT", onramp["token"], amount, **fields)


def debit(payout_id: object, amount: str = "25.00", **fields: Any) -> Any:
    return booked("DEBIT", payout_id, amount, **fields)


def submit(
    client: FlaskClient, raw: bytes, *, operator: Actor | None = None, **query: str
) -> TestResponse:
    return client.post(
        "/api/v1/admin/reconciliations",
        query_string={"provider": "HDFC"} | query,
        data=raw,
        content_type="text/csv",
        headers=(operator or factories.admin()).headers,
    )


def compared(client: FlaskClient, *lines: dict[str, Any], **query: str) -> dict[str, Any]:
    """The report on these lines."""
    answer = submit(client, statement(*lines), **query)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json
    return report


def found(report: dict[str, Any]) -> Counter[tuple[str, str]]:
    """How often each outcome and action is among the rows."""
    return Counter((row["outcome"], row["action"]) for row in report["rows"])


def user_with(client: FlaskClient) -> tuple[Actor, dict[str, Any], Any]:
    """Somebody with an on-ramp and a payout of 25.00 each that no bank has spoken of."""
    user = factories.buyer("100.00")
    return user, asked(client, user), pending(client, user)
