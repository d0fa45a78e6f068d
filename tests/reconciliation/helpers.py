"""Bank statements, and reconciling them."""

import csv
import io
from collections import Counter
from datetime import date
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.common import clock
from app.reconciliation.layout import OURS as COLUMNS
from tests import factories
from tests.factories import Actor
from tests.onramp.helpers import created_onramp
from tests.payouts.helpers import pending_payout


def today() -> date:
    return clock.now().date()


def statement(*lines: dict[str, Any]) -> bytes:
    """A statement file with these lines."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def booked_line(direction: str, reference: object, amount: str = "25.00", **fields: Any) -> Any:
    """A line of a statement."""
    return {
        "date": today().isoformat(),
        "reference": str(reference),
        "bankReference": f"UTR-{str(reference)[-6:]}",
        "direction": direction,
        "amount": amount,
        "currency": "USD",
        "status": "BOOKED",
    } | fields


def credit_line(onramp: dict[str, Any], amount: str = "25.00", **fields: Any) -> Any:
    return booked_line("CREDIT", onramp["token"], amount, **fields)


def debit_line(payout_id: object, amount: str = "25.00", **fields: Any) -> Any:
    return booked_line("DEBIT", payout_id, amount, **fields)


def post_statement(
    client: FlaskClient, raw: bytes, *, operator: Actor | None = None, **query: str
) -> TestResponse:
    return client.post(
        "/api/v1/admin/reconciliations",
        query_string={"provider": "HDFC"} | query,
        data=raw,
        content_type="text/csv",
        headers=(operator or factories.admin()).headers,
    )


def reconciled(client: FlaskClient, *lines: dict[str, Any], **query: str) -> dict[str, Any]:
    """The report of a reconciliation of these lines."""
    answer = post_statement(client, statement(*lines), **query)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json
    return report


def outcomes(report: dict[str, Any]) -> Counter[tuple[str, str]]:
    """The number of rows by outcome and action."""
    return Counter((row["outcome"], row["action"]) for row in report["rows"])


def user_with_open_records(client: FlaskClient) -> tuple[Actor, dict[str, Any], Any]:
    """A user with an on-ramp and a payout of 25.00 each, about which the bank has sent nothing."""
    user = factories.buyer("100.00")
    return user, created_onramp(client, user), pending_payout(client, user)
