"""The feed and preferences, over HTTP."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app.common.db import transaction
from app.common.locales import preferred_locale
from app.events.catalogue.notifications import NotificationRequest
from app.notifications.handler import handle
from tests import factories
from tests.notifications.helpers import (
    FEED,
    PREFERENCES,
    choose,
    feed,
    record,
    relay,
    stored_events,
    topics_of,
    unknown_id,
)
from tests.orders.helpers import buy
from tests.responses import refusal


def count(client: FlaskClient, user: factories.Actor) -> int:
    unread: int = client.get(f"{FEED}/unread-count", headers=user.headers).json["unread"]
    return unread


class TestFeed:
    def test_buyer_and_merchant_are_told_of_a_purchase(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        order = buy(client, buyer, factories.product(seller)).json

        relay()

        (bought,), (sold,) = feed(client, buyer), feed(client, seller)
        assert bought["kind"] == "PURCHASE"
        assert bought["referenceId"] == order["id"]
        assert order["number"] in bought["title"]
        assert bought["readAt"] is None
        assert (sold["kind"], sold["title"]) == ("SALE", "You sold Course for $10.00")

    def test_an_event_that_is_handled_twice_has_one_notification(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        buy(client, buyer, factories.product(seller))

        relay()
        relay()

        assert topics_of(client, buyer) == ["purchase"]
        assert topics_of(client, seller) == ["sale"]

    def test_an_event_without_its_fields_is_refused_and_changes_nothing(
        self, client: FlaskClient
    ) -> None:
        buyer = factories.buyer()
        buy(client, buyer, factories.product(factories.merchant()))
        event = stored_events()[-1]
        broken = replace(event, data={})

        with pytest.raises(KeyError), transaction() as session:
            handle(session, [event, broken])

        assert feed(client, buyer) == []

    def test_the_newest_is_first_and_the_cursor_reads_on(self, client: FlaskClient) -> None:
        user = factories.buyer()
        for number in range(5):
            record(NotificationRequest(aggregate_id=user.id, subject=f"{number}", text="x"))
        relay()

        first = client.get(FEED, query_string={"limit": 3}, headers=user.headers).json
        cursor = first["meta"]["nextCursor"]
        second = client.get(
            FEED, query_string={"limit": 3, "cursor": cursor}, headers=user.headers
        ).json

        found = first["data"] + second["data"]
        assert sorted(each["title"] for each in found) == ["0", "1", "2", "3", "4"]
        times = [each["createdAt"] for each in found]
        assert times == sorted(times, reverse=True)

    def test_others_do_not_see_it(self, client: FlaskClient) -> None:
        user, other = factories.buyer(), factories.buyer()
        record(NotificationRequest(aggregate_id=user.id, subject="Hello", text="x"))
        relay()
        (notification,) = feed(client, user)

        assert feed(client, other) == []
        answer = client.post(f"{FEED}/{notification['id']}/read", headers=other.headers)
        assert refusal(answer) == (404, "NOTIFICATION_NOT_FOUND")

    def test_a_deactivated_user_is_not_notified(self, client: FlaskClient) -> None:
        user = factories.buyer()
        client.post(
            f"/api/v1/admin/users/{user.id}/deactivate",
            json={"reason": "Review"},
            headers=factories.admin().headers,
        )
        record(NotificationRequest(aggregate_id=user.id, subject="Hello", text="x"))

        relay()

        client.post(
            f"/api/v1/admin/users/{user.id}/activate",
            json={"reason": "Review"},
            headers=factories.admin().headers,
        )
        token = client.post(
            "/api/v1/auth/login", json={"email": user.email, "password": factories.PASSWORD}
        ).json["accessToken"]
        answer = client.get(FEED, headers={"Authorization": f"Bearer {token}"})
        assert answer.json["data"] == []


class TestReading:
    def test_one_is_marked_as_read(self, client: FlaskClient) -> None:
        user = factories.buyer()
        for subject in ("One", "Two"):
            record(NotificationRequest(aggregate_id=user.id, subject=subject, text="x"))
        relay()
        (newest, oldest) = feed(client, user)
        assert count(client, user) == 2

        answer = client.post(f"{FEED}/{newest['id']}/read", headers=user.headers)

        assert answer.json["readAt"] is not None
        assert count(client, user) == 1
        assert [each["id"] for each in feed(client, user, unread="true")] == [oldest["id"]]
        assert [each["id"] for each in feed(client, user, unread="false")] == [newest["id"]]
        again = client.post(f"{FEED}/{newest['id']}/read", headers=user.headers)
        assert again.json == answer.json

    def test_all_are_marked_as_read(self, client: FlaskClient) -> None:
        user, other = factories.buyer(), factories.buyer()
        for each in (user, user, other):
            record(NotificationRequest(aggregate_id=each.id, subject="Hello", text="x"))
        relay()

        answer = client.post(f"{FEED}/read", headers=user.headers)

        assert answer.json == {"unread": 0}
        assert (count(client, user), count(client, other)) == (0, 1)

    def test_an_unknown_one_is_not_found(self, client: FlaskClient) -> None:
        answer = client.post(f"{FEED}/{unknown_id()}/read", headers=factories.buyer().headers)
        assert refusal(answer) == (404, "NOTIFICATION_NOT_FOUND")


class TestPreferences:
    def test_all_but_text_messages_are_on_by_default(self, client: FlaskClient) -> None:
        found = client.get(PREFERENCES, headers=factories.buyer().headers).json["preferences"]

        assert {(each["inApp"], each["email"], each["sms"]) for each in found} == {
            (True, True, False)
        }
        assert [each["kind"] for each in found if each["required"]] == ["SECURITY"]

    def test_a_kind_can_be_left_out_of_the_feed(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        choose(client, seller, "SALE", inApp=False)
        buy(client, buyer, factories.product(seller))

        relay()

        assert topics_of(client, seller) == []
        assert topics_of(client, buyer) == ["purchase"]

    def test_what_is_left_out_keeps_its_value(self, client: FlaskClient) -> None:
        user = factories.buyer()
        choose(client, user, "SALE", email=False)

        choose(client, user, "SALE", sms=True)

        found = client.get(PREFERENCES, headers=user.headers).json["preferences"]
        (sale,) = [each for each in found if each["kind"] == "SALE"]
        assert (sale["inApp"], sale["email"], sale["sms"]) == (True, False, True)

    def test_security_notices_cannot_be_switched_off(self, client: FlaskClient) -> None:
        user = factories.buyer()
        for channel in ("inApp", "email"):
            body = {"preferences": [{"kind": "SECURITY", channel: False}]}
            answer = client.put(PREFERENCES, json=body, headers=user.headers)
            assert refusal(answer) == (400, "NOTIFICATION_REQUIRED")
        choose(client, user, "SECURITY", sms=True)


class TestProfile:
    def test_the_locale_is_that_of_the_browser(self, client: FlaskClient) -> None:
        registered = client.post(
            "/api/v1/auth/register",
            json={"email": "a@example.com", "password": "a-fine-secret-1", "role": "USER"},
            headers={"Accept-Language": "xx, pt-BR;q=0.8, fr;q=0.9"},
        ).json

        me = client.get(
            "/api/v1/auth/me", headers={"Authorization": f"Bearer {registered['accessToken']}"}
        ).json

        assert (me["locale"], me["timeZone"]) == ("fr", "UTC")

    def test_unknown_locales_and_zones_are_refused(self, client: FlaskClient) -> None:
        user = factories.buyer()
        for body in ({"locale": "xx-YY"}, {"locale": "en_US"}, {"timeZone": "Mars"}):
            answer = client.patch("/api/v1/auth/me", json=body, headers=user.headers)
            assert refusal(answer) == (400, "VALIDATION_ERROR"), body

    def test_anything_in_the_header_has_a_locale(self) -> None:
        for header in (None, "", "*", ";;;q=,", "en;q=0", "a" * 10_000, "de-" + "x" * 500, "\x00"):
            assert preferred_locale(header) == "en", header
        assert preferred_locale("zh-hant-tw") == "zh-Hant-TW"
        assert preferred_locale("de;q=0.1, EN-gb") == "en-GB"
