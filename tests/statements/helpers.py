"""Asking for statements, and what they are made of."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import Actor

STATEMENT = "/api/v1/wallet/statement"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ask(client: FlaskClient, user: Actor, form: str = "json", **period: str) -> TestResponse:
    """The whole statement. period: since and until, as the wire has them."""
    return client.get(
        STATEMENT, query_string=_query(form, period), headers=user.headers, buffered=True
    )


def begin(client: FlaskClient, user: Actor, form: str = "json", **period: str) -> TestResponse:
    """A statement of which nothing has been read yet; close it in the end."""
    return client.get(STATEMENT, query_string=_query(form, period), headers=user.headers)


def _query(form: str, period: dict[str, str]) -> dict[str, str]:
    names = {"since": "from", "until": "to"}
    return {"format": form} | {names[name]: moment for name, moment in period.items()}


def rows_of(answer: TestResponse) -> list[dict[str, Any]]:
    """The lines of a CSV as any reader of RFC 4180 sees them."""
    return list(csv.DictReader(io.StringIO(answer.data.decode(), newline="")))
