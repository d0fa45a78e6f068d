"""The audit log, as administrators read it."""

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from app.common import clock
from app.common.db import transaction
from app.wallets import service as wallets
from tests import factories
from tests.administration.helpers import ADMIN, get, ids, rows
from tests.lists import pages_of


def test_records_are_found_by_actor_target_action_and_time(client: FlaskClient) -> None:
    admins = [factories.admin(), factories.admin()]
    user = factories.actor()
    with transaction() as session:
        wallet_id = factories.wallet(session, user.id).id
    get(client, admins[0], f"users/{user.id}")
    for admin in admins:
        url = f"{ADMIN}/wallets/{wallet_id}/lock"
        client.post(url, json={"reason": "Under review"}, headers=admin.headers)

    def found(**query: Any) -> list[tuple[str, str]]:
        return [
            (row["action"], row["actor"]["id"]) for row in rows(client, admins[0], "audit", **query)
        ]

    first, second = (str(admin.id) for admin in admins)
    viewed, locked, locked_again = (
        ("user.view", first),
        ("wallet.lock", first),
        ("wallet.lock", second),
    )
    assert found(actorId=first) == [locked, viewed]
    assert found(targetId=wallet_id) == [locked_again, locked]
    assert found(targetId=user.id) == [viewed]
    assert found(action="wallet.lock") == [locked_again, locked]
    assert found(action="wallet.lock", actorId=second) == [locked_again]
    assert found(action="wallet") == []
    soon = (clock.now() + timedelta(minutes=1)).isoformat()
    assert found(since=soon) == []
    assert found(to=soon)[:3] == [locked_again, locked, viewed]
    (row,) = rows(client, admins[0], "audit", actorId=second)
    assert (row["reason"], row["targetType"]) == ("Under review", "wallet")
    assert row["actor"]["email"] == admins[1].email

    pages = list(pages_of(client, admins[0], f"{ADMIN}/audit", limit=1, actorId=first))
    paged = [row["id"] for page in pages for row in page["data"]]
    assert paged == ids(client, admins[0], "audit", actorId=first)


def test_the_command_line_is_nobody(client: FlaskClient) -> None:
    user = factories.actor()
    with transaction() as session:
        wallet_id = factories.wallet(session, user.id).id
        wallets.set_locked(
            session, actor_id=None, wallet_id=wallet_id, locked=True, reason="Under review"
        )
    (row,) = rows(client, factories.admin(), "audit", targetId=wallet_id)
    assert row["actor"] is None
