"""Reading the lists of administrators."""

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditRecord
from app.common.db import reading
from tests.factories import Actor

ADMIN = "/api/v1/admin"


def rows(client: FlaskClient, admin: Actor, path: str, **query: Any) -> list[dict[str, Any]]:
    """The first page of a list. query: in camelCase; `since` is sent as `from`."""
    if "since" in query:
        query["from"] = query.pop("since")
    answer = client.get(f"{ADMIN}/{path}", query_string=query, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["data"]
    return found


def ids(client: FlaskClient, admin: Actor, path: str, **query: Any) -> list[str]:
    return [row["id"] for row in rows(client, admin, path, **query)]


def get(client: FlaskClient, admin: Actor, path: str) -> dict[str, Any]:
    answer = client.get(f"{ADMIN}/{path}", headers=admin.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def actions_of(admin: Actor) -> list[tuple[str, str]]:
    """Action and target of what the administrator has done, in order."""
    query = select(AuditRecord).where(AuditRecord.actor_id == admin.id).order_by(AuditRecord.id)
    with reading() as session:
        return [(record.action, str(record.target_id)) for record in session.scalars(query)]
