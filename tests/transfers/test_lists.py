"""Reading transfers, over HTTP."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.lists import pages_of
from tests.responses import refusal
from tests.transfers.helpers import TRANSFERS, send, transfers


@pytest.fixture
def alice(client: FlaskClient) -> Actor:
    return factories.buyer("100.00")


@pytest.fixture
def bob(client: FlaskClient) -> Actor:
    return factories.actor()


class TestReading:
    def test_the_direction_depends_on_the_reader(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        sent = send(client, alice, bob, "12.50", note="Lunch").json

        by_sender = client.get(f"{TRANSFERS}/{sent['id']}", headers=alice.headers)
        by_receiver = client.get(f"{TRANSFERS}/{sent['id']}", headers=bob.headers)

        assert (by_sender.status_code, by_sender.json) == (200, sent)
        assert by_receiver.json == sent | {"direction": "IN"}

    def test_other_users_do_not_find_the_transfer(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        sent = send(client, alice, bob).json
        for other in (factories.actor(), factories.admin()):
            answer = client.get(f"{TRANSFERS}/{sent['id']}", headers=other.headers)
            assert refusal(answer) == (404, "TRANSFER_NOT_FOUND")

    def test_the_list_is_newest_first_and_can_be_filtered_by_direction(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        out = send(client, alice, bob, "3.00").json
        back = send(client, bob, alice, "2.00").json
        send(client, bob, factories.actor(), "1.00")

        rows = transfers(client, alice)

        assert [(row["id"], row["direction"]) for row in rows["data"]] == [
            (back["id"], "IN"),
            (out["id"], "OUT"),
        ]
        assert rows["meta"]["total"] == 2
        assert [row["id"] for row in transfers(client, alice, direction="in")["data"]] == [
            back["id"]
        ]
        assert [row["id"] for row in transfers(client, alice, direction="out")["data"]] == [
            out["id"]
        ]
        wrong = client.get(TRANSFERS, query_string={"direction": "up"}, headers=alice.headers)
        assert refusal(wrong) == (400, "VALIDATION_ERROR")

    def test_pages_contain_each_transfer_once(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        made = [send(client, *pair, "1.00").json["id"] for pair in [(alice, bob), (bob, alice)] * 4]
        pages = list(pages_of(client, alice, TRANSFERS, limit=3))
        listed = [row["id"] for page in pages for row in page["data"]]
        assert listed == made[::-1]
        assert [page["meta"]["total"] for page in pages] == [8, 8, 8]
        by_number = [
            row["id"]
            for n in (1, 2, 3)
            for row in transfers(client, alice, limit=3, page=n)["data"]
        ]
        assert by_number == listed
