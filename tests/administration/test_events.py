"""Events that sinks hold, and sinks, as administrators find and settle them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import clock
from app.common.ids import new_id
from app.events.relay import management
from app.events.relay import service as relay
from tests import factories
from tests.administration.helpers import ADMIN, actions_of, ids, rows
from tests.authenticator import ManualClock, enable_two_factor
from tests.clock import freeze_clock
from tests.events.relaying import Recorder, deliver_all, event_of, parked_event, record
from tests.factories import Actor
from tests.lists import pages_of
from tests.responses import refusal


@pytest.fixture
def admin(client: FlaskClient) -> Actor:
    return factories.admin()


@pytest.fixture
def sink(app: Flask) -> Recorder:
    """A sink that has received every event so far, and parks those that it refuses at once."""
    relay.max_attempts.configure(1)
    return deliver_all(Recorder(types={"licence-activated"}))


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets the clock forward."""

    def advance(by: timedelta) -> None:
        freeze_clock(monkeypatch, clock.now() + by)

    return advance


def refuse(sink: Recorder, aggregate_id: UUID) -> str:
    """Record an event that the sink refuses. Returns its id."""
    record(aggregate_id)
    event_id = event_of(aggregate_id)
    sink.refused.add(event_id)
    deliver_all(sink)
    return str(event_id)


def settle(
    client: FlaskClient,
    admin: Actor,
    action: str,
    event_id: str,
    sink: str = "recorder",
    **headers: str,
) -> Any:
    body = {"sink": sink, "reason": "The template is fixed"}
    url = f"{ADMIN}/events/{event_id}/{action}"
    return client.post(url, json=body, headers=admin.headers | headers)


class TestHeldEvents:
    def test_an_event_has_what_is_needed_to_find_the_cause_and_no_data(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        licence = new_id()
        parked = refuse(sink, licence)
        record(licence)
        deliver_all(sink)

        first, second = rows(client, admin, "events")

        assert first.pop("occurredAt") <= first.pop("failedAt")
        assert first == {
            "id": parked,
            "sink": "recorder",
            "type": "licence-activated",
            "aggregateType": "licence",
            "aggregateId": str(licence),
            "version": 1,
            "status": "PARKED",
            "attempts": 1,
            "reason": "refused",
            "nextAttemptAt": None,
        }
        assert (second["version"], second["status"], second["attempts"]) == (2, "WAITING", 0)
        assert (second["reason"], second["failedAt"]) == (None, None)

    def test_one_that_is_retried_has_the_time_of_the_next_attempt(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        relay.max_attempts.configure(12)
        refuse(sink, new_id())

        (row,) = rows(client, admin, "events")

        assert (row["status"], row["attempts"]) == ("RETRYING", 1)
        assert row["nextAttemptAt"] > row["failedAt"]

    def test_events_are_found_by_each_filter(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        licences = [new_id(), new_id()]
        first, second = (refuse(sink, licence) for licence in licences)
        record(licences[0])
        deliver_all(sink)
        waiting = str(event_of(licences[0]))
        other = str(parked_event("another"))

        def found(**query: Any) -> list[str]:
            return ids(client, admin, "events", **query)

        assert found() == [other, first, second, waiting]
        assert found(sink="recorder") == [first, second, waiting]
        assert found(status="PARKED") == [other, first, second]
        assert found(status="PARKED", sink="recorder") == [first, second]
        assert found(status="WAITING") == [waiting]
        assert found(status="RETRYING") == []
        assert found(type="licence-activated") == [other, first, second, waiting]
        assert found(type="order-completed") == []
        assert found(aggregateId=licences[0]) == [first, waiting]
        assert found(aggregateId=licences[0], sink="another") == []

    def test_the_list_is_read_with_a_cursor(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        parked_event("another")
        for _ in range(4):
            refuse(sink, new_id())

        pages = list(pages_of(client, admin, f"{ADMIN}/events", limit=2))

        assert [len(page["data"]) for page in pages] == [2, 2, 1]
        read = [row["id"] for page in pages for row in page["data"]]
        assert read == ids(client, admin, "events")


class TestRetry:
    def test_it_is_delivered_at_once_and_then_those_that_wait_for_it(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        licence = new_id()
        parked = refuse(sink, licence)
        record(licence)
        deliver_all(sink)
        sink.refused.clear()
        deliver_all(sink)
        assert sink.seen == []

        answer = settle(client, admin, "retry", parked)

        assert answer.status_code == 200
        assert (answer.json["status"], answer.json["attempts"]) == ("RETRYING", 0)
        deliver_all(sink)
        assert sink.seen == [(licence, 1), (licence, 2)]
        assert rows(client, admin, "events") == []
        assert actions_of(admin) == [("event.retry", parked)]
        (entry,) = rows(client, admin, "audit", targetId=parked)
        assert entry["reason"] == "The template is fixed"
        assert entry["details"] == {
            "sink": "recorder",
            "type": "licence-activated",
            "aggregateType": "licence",
            "aggregateId": str(licence),
            "failedBecause": "refused",
        }

    def test_one_that_fails_again_is_parked_again(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        parked = refuse(sink, new_id())
        assert settle(client, admin, "retry", parked).status_code == 200
        deliver_all(sink)
        assert ids(client, admin, "events", status="PARKED") == [parked]

    def test_an_idempotency_key_makes_it_safe_to_repeat(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        parked = refuse(sink, new_id())
        key = {"Idempotency-Key": "retry-1"}
        first = settle(client, admin, "retry", parked, **key)
        deliver_all(sink)
        assert ids(client, admin, "events", status="PARKED") == [parked]

        again = settle(client, admin, "retry", parked, **key)

        assert (again.status_code, again.json) == (200, first.json)
        assert ids(client, admin, "events", status="PARKED") == [parked]
        assert len(actions_of(admin)) == 1


class TestSkip:
    def test_the_sink_never_receives_it_and_goes_on_with_the_next(
        self, client: FlaskClient, admin: Actor, sink: Recorder, totp_clock: ManualClock
    ) -> None:
        licence = new_id()
        parked = refuse(sink, licence)
        record(licence)
        other = deliver_all(Recorder("another"))
        deliver_all(sink)
        authenticator = enable_two_factor(client, admin, totp_clock)
        refused = settle(client, admin, "skip", parked)
        assert refusal(refused) == (403, "TWO_FACTOR_REQUIRED")

        code = {"X-Two-Factor-Code": authenticator.code()}
        assert settle(client, admin, "skip", parked, **code).status_code == 204

        deliver_all(sink)
        assert sink.seen == [(licence, 2)]
        assert (licence, 1) in other.seen
        assert rows(client, admin, "events") == []
        assert ("event.skip", parked) in actions_of(admin)
        assert refusal(settle(client, admin, "skip", parked)) == (404, "HELD_EVENT_NOT_FOUND")

    def test_other_records_are_not_concerned(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        skipped, kept = refuse(sink, new_id()), refuse(sink, new_id())
        assert settle(client, admin, "skip", skipped).status_code == 204
        deliver_all(sink)
        assert ids(client, admin, "events", status="PARKED") == [kept]


@pytest.mark.parametrize("action", ["retry", "skip"])
class TestRefusals:
    def test_one_that_waits_for_another_is_refused_with_the_first(
        self, client: FlaskClient, admin: Actor, sink: Recorder, action: str
    ) -> None:
        licence = new_id()
        first = refuse(sink, licence)
        record(licence)
        deliver_all(sink)

        answer = settle(client, admin, action, str(event_of(licence)))

        assert refusal(answer) == (409, "HELD_EVENT_NOT_FIRST")
        assert answer.json["details"] == {"firstEventId": first}
        assert actions_of(admin) == []

    def test_one_that_the_sink_does_not_hold_is_unknown(
        self, client: FlaskClient, admin: Actor, sink: Recorder, action: str
    ) -> None:
        record(licence := new_id())
        deliver_all(sink)
        parked = refuse(sink, new_id())
        for event_id, name in (
            (str(event_of(licence)), "recorder"),
            (str(new_id()), "recorder"),
            (parked, "nobody"),
        ):
            answer = settle(client, admin, action, event_id, name)
            assert refusal(answer) == (404, "HELD_EVENT_NOT_FOUND")


class TestSinks:
    def test_each_shows_how_far_it_has_come(
        self, client: FlaskClient, admin: Actor, sink: Recorder
    ) -> None:
        parked = refuse(sink, licence := new_id())
        record(licence)
        deliver_all(sink)
        other = Recorder("another", is_away=True)
        relay.add_sink(other)
        with pytest.raises(Exception, match="It is away"):
            relay.deliver(other)
        record(new_id(), new_id())

        away, well = rows(client, admin, "event-sinks")

        assert (well["name"], well["behind"], well["problem"]) == ("recorder", 2, None)
        assert (well["held"], well["parked"], well["failedAt"]) == (2, 1, None)
        assert well["deliveredAt"] is not None
        assert (away["name"], away["problem"], away["deliveredAt"]) == (
            "another",
            "It is away.",
            None,
        )
        assert away["behind"] >= 4
        assert away["failedAt"] is not None
        deliver_all(sink)
        assert settle(client, admin, "skip", parked).status_code == 204
        deliver_all(sink)
        (well,) = (row for row in rows(client, admin, "event-sinks") if row["name"] == "recorder")
        assert (well["behind"], well["held"], well["parked"]) == (0, 0, 0)

    def test_the_list_is_read_with_a_cursor(self, client: FlaskClient, admin: Actor) -> None:
        for name in ("c", "a", "b"):
            relay.add_sink(Recorder(name))

        pages = list(pages_of(client, admin, f"{ADMIN}/event-sinks", limit=2))

        assert [[row["name"] for row in page["data"]] for page in pages] == [["a", "b"], ["c"]]

    def test_one_that_is_not_used_any_more_is_deleted_with_what_it_holds(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        parked_event("kafka")

        answer = client.delete(f"{ADMIN}/event-sinks/kafka", headers=admin.headers)

        assert answer.status_code == 204
        assert rows(client, admin, "event-sinks") == rows(client, admin, "events") == []
        ((action, _),) = actions_of(admin)
        (entry,) = rows(client, admin, "audit", action=action)
        assert action == "event-sink.delete"
        assert (entry["details"]["name"], entry["details"]["parked"]) == ("kafka", 1)

    @pytest.mark.parametrize("name", ["nobody", "%00", "x" * 3000])
    def test_an_unknown_one_is_refused(self, client: FlaskClient, admin: Actor, name: str) -> None:
        answer = client.delete(f"{ADMIN}/event-sinks/{name}", headers=admin.headers)
        assert refusal(answer) == (404, "EVENT_SINK_NOT_FOUND")

    def test_one_to_which_a_relay_delivers_is_kept(
        self,
        client: FlaskClient,
        admin: Actor,
        sink: Recorder,
        wait: Callable[[timedelta], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # Shorter than access tokens are valid.
        monkeypatch.setattr(management, "_ABANDONED_AFTER", timedelta(minutes=2))

        def delete() -> Any:
            return client.delete(f"{ADMIN}/event-sinks/recorder", headers=admin.headers)

        wait(timedelta(minutes=3))
        assert refusal(delete()) == (409, "EVENT_SINK_IN_USE")  # it has everything
        record(new_id())
        assert refusal(delete()) == (409, "EVENT_SINK_IN_USE")  # it will have it soon
        wait(timedelta(minutes=3))
        sink.is_away = True
        with pytest.raises(Exception, match="It is away"):
            relay.deliver(sink)
        assert refusal(delete()) == (409, "EVENT_SINK_IN_USE")  # it cannot be reached now
        wait(timedelta(minutes=3))
        assert delete().status_code == 204


def test_the_export_has_the_rows_and_the_order_of_the_list(
    client: FlaskClient, admin: Actor, sink: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    aggregate_ids = [new_id() for _ in range(5)]
    refused = [refuse(sink, aggregate_id) for aggregate_id in aggregate_ids]
    monkeypatch.setattr("app.auth.admin_exports.http.CHUNK", 2)

    def exported(**query: Any) -> list[str]:
        answer = client.get(
            f"{ADMIN}/events/export", query_string=query, headers=admin.headers, buffered=True
        )
        lines = answer.data.decode("utf-8-sig").splitlines()[1:]
        return [line.split(",")[0] for line in lines]

    assert exported() == ids(client, admin, "events") == refused
    assert exported(status="PARKED", sink=sink.name) == refused
    assert exported(aggregateId=aggregate_ids[2]) == refused[2:3]
    assert exported(status="RETRYING") == []
