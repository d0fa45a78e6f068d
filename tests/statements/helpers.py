"""Helpers that call the endpoint of statements and parse the documents."""

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


def get_statement(
    client: FlaskClient, user: Actor, form: str = "json", **period: str
) -> TestResponse:
    """The whole statement. form: json, csv or pdf. period: since and until, as ISO 8601."""
    return client.get(
        STATEMENT, query_string=_query(form, period), headers=user.headers, buffered=True
    )


def start_download(
    client: FlaskClient, user: Actor, form: str = "json", **period: str
) -> TestResponse:
    """A statement of which nothing has been read yet. The caller closes it."""
    return client.get(STATEMENT, query_string=_query(form, period), headers=user.headers)


def _query(form: str, period: dict[str, str]) -> dict[str, str]:
    names = {"since": "from", "until": "to"}
    return {"format": form} | {names[name]: moment for name, moment in period.items()}


def rows_of(answer: TestResponse) -> list[dict[str, Any]]:
    """The rows of a CSV document (RFC 4180)."""
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
