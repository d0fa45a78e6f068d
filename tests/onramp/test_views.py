"""On-ramps over HTTP."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.auth import service as auth
from app.banks import providers
from app.common import cache, clock, redis_client
from app.common.db import transaction
from app.onramp import links
from tests import factories
from tests.banks.webhooks import key_of
from tests.clock import freeze_clock
from tests.factories import Actor
from tests.onramp.helpers import (
    ONRAMP,
    bank_event,
    create_onramp,
    created_onramp,
    deliver_event,
    get_onramp,
)
from tests.responses import TIME, UUID_TEXT, error_body, refusal
from tests.wallets.helpers import deposit, lock, set_limit


@pytest.fixture
def user(app: Flask) -> Actor:
    return factories.actor()


def request_in(url: str, provider: str = "HDFC") -> dict[str, Any]:
    """The request in a payment link."""
    (token,) = parse_qs(urlsplit(url).query)["request"]
    # The tests compare the expiry with their own clock.
    return jwt.decode(token, key_of(provider), ["HS256"], options={"verify_exp": False})


class TestCreating:
    def test_the_response_has_the_payment_link_and_its_expiry(
        self, client: FlaskClient, user: Actor
    ) -> None:
        answer = create_onramp(
            client, user, "25.00", description="For books", returnUrl="https://shop.test/"
        )

        body = answer.json
        assert answer.status_code == 201
        assert re.fullmatch(UUID_TEXT, body.pop("id"))
        assert re.fullmatch(r"[\w-]{43}", body.pop("token"))
        assert re.match(r"http://127\.0\.0\.1:3003/hdfc/pay\?request=ey", body.pop("paymentUrl"))
        created = datetime.fromisoformat(body["createdAt"])
        expires = datetime.fromisoformat(body["expiresAt"])
        assert expires - created == timedelta(minutes=5)
        assert all(re.fullmatch(TIME, body.pop(n)) for n in ("createdAt", "expiresAt", "updatedAt"))
        assert body == {
            "status": "PROCESSING",
            "provider": "HDFC",
            "providerName": "HDFC Bank",
            "amount": "25.00",
            "currency": "USD",
            "description": "For books",
            "returnUrl": "https://shop.test/",
            "late": False,
            "bankReference": None,
            "failureReason": None,
            "closedAt": None,
        }

    def test_nothing_is_credited_yet(self, client: FlaskClient, user: Actor) -> None:
        created_onramp(client, user)
        assert client.get("/api/v1/wallet", headers=user.headers).json["balance"] == "0.00"

    def test_the_link_contains_the_request_for_the_bank(
        self, client: FlaskClient, user: Actor
    ) -> None:
        onramp = created_onramp(
            client, user, "25.50", provider="AXIS", returnUrl="https://shop.test/x?y=1"
        )
        expires = datetime.fromisoformat(onramp["expiresAt"])
        assert request_in(onramp["paymentUrl"], "AXIS") == {
            "reference": onramp["token"],
            "amount": "25.50",
            "currency": "USD",
            "payer": f"u…@{user.email.partition('@')[2]}",
            "userId": str(user.id),
            "merchant": "Payment Flow",
            "exp": int(expires.timestamp()),
            "returnUrl": "https://shop.test/x?y=1",
        }

    def test_a_payer_with_a_name_is_shown_by_name(self, client: FlaskClient, user: Actor) -> None:
        with transaction() as session:
            auth.change_profile(session, user_id=user.id, first_name="Zoë", last_name="Ng")
        claims = request_in(created_onramp(client, user)["paymentUrl"])
        assert claims["payer"] == "Zoë Ng"
        assert "returnUrl" not in claims

    def test_a_payer_without_name_and_email_is_shown_by_a_masked_phone_number(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(phone_auto_registration=True)
        body = {"phone": "+14155550123", "password": factories.PASSWORD}
        token = client.post("/api/v1/auth/phone", json=body).json["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.post(ONRAMP, json={"provider": "HDFC", "amount": "1.00"}, headers=headers)
        assert request_in(answer.json["paymentUrl"])["payer"] == "…0123"

    def test_tokens_are_unique(self, client: FlaskClient, user: Actor) -> None:
        assert len({created_onramp(client, user)["token"] for _ in range(20)}) == 20

    @pytest.mark.parametrize("provider", ["SBI", "hdfc", "x"])
    def test_an_unknown_bank_is_refused(
        self, client: FlaskClient, user: Actor, provider: str
    ) -> None:
        answer = create_onramp(client, user, provider=provider)
        assert refusal(answer) == (400, "PROVIDER_UNKNOWN")
        assert error_body(answer)["details"] == {"provider": provider}

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"provider": "HDFC"},
            {"amount": "1.00"},
            {"provider": "HDFC", "amount": "0"},
            {"provider": "HDFC", "amount": "-1.00"},
            {"provider": "HDFC", "amount": "1.001"},
            {"provider": "HDFC", "amount": True},
            {"provider": 5, "amount": "1.00"},
            {"provider": "HDFC", "amount": "1.00", "currency": "EUR"},
            {"provider": "HDFC", "amount": "1.00", "returnUrl": "javascript:alert(1)"},
            {"provider": "HDFC", "amount": "1.00", "returnUrl": "//shop.test"},
            {"provider": "HDFC", "amount": "1.00", "returnUrl": "https://a b"},
            {"provider": "HDFC", "amount": "1.00", "returnUrl": "https://shop.test/\n"},
            {"provider": "HDFC", "amount": "1.00", "returnUrl": "https://" + "x" * 2000},
            {"provider": "HDFC", "amount": "1.00", "description": ""},
            {"provider": "HDFC", "amount": "1.00", "description": "x" * 201},
        ],
    )
    def test_invalid_input_is_refused(
        self, client: FlaskClient, user: Actor, body: dict[str, Any]
    ) -> None:
        answer = client.post(ONRAMP, json=body, headers=user.headers)
        assert refusal(answer) == (400, "VALIDATION_ERROR")

    def test_an_amount_above_the_maximum_is_refused(
        self, client: FlaskClient, user: Actor, change_settings: Callable[..., None]
    ) -> None:
        assert create_onramp(client, user, "10000.00").status_code == 201
        answer = create_onramp(client, user, "10000.01")
        assert refusal(answer) == (400, "INVALID_ONRAMP_AMOUNT")
        assert error_body(answer)["details"] == {"maximum": "10000.00"}

    def test_a_locked_wallet_is_refused(self, client: FlaskClient, user: Actor) -> None:
        lock(client, user)
        assert refusal(create_onramp(client, user)) == (403, "WALLET_LOCKED")

    def test_a_key_creates_one_on_ramp(self, client: FlaskClient, user: Actor) -> None:
        key = {"Idempotency-Key": "onramp-1"}
        first, again = (create_onramp(client, user, headers=key) for _ in range(2))
        assert (again.status_code, again.data) == (201, first.data)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert refusal(create_onramp(client, user, "26.00", headers=key)) == (
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )
        assert client.get(ONRAMP, headers=user.headers).json["meta"]["total"] == 1

    def test_a_user_can_create_60_on_ramps_per_minute(self, rate_limited: Flask) -> None:
        client, user = rate_limited.test_client(), factories.actor()
        assert {create_onramp(client, user, "0.01").status_code for _ in range(60)} == {201}
        assert refusal(create_onramp(client, user, "0.01")) == (429, "RATE_LIMITED")
        assert create_onramp(client, factories.actor(), "0.01").status_code == 201


class TestLimits:
    def test_a_processing_on_ramp_counts(self, client: FlaskClient, user: Actor) -> None:
        set_limit(client, user, "ONRAMP", "DAY", "100.00")
        created_onramp(client, user, "60.00")
        answer = create_onramp(client, user, "40.01")
        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert error_body(answer)["details"]["remaining"] == "40.00"
        created_onramp(client, user, "40.00")

    def test_an_on_ramp_counts_towards_the_limit_of_all_credits(
        self, client: FlaskClient, user: Actor
    ) -> None:
        set_limit(client, user, "INCOMING", "DAY", "100.00")
        created_onramp(client, user, "60.00")
        assert refusal(deposit(client, user, "40.01")) == (400, "LIMIT_EXCEEDED")
        assert deposit(client, user, "40.00").status_code == 200

    def test_a_failed_on_ramp_no_longer_counts(self, client: FlaskClient, user: Actor) -> None:
        set_limit(client, user, "ONRAMP", "DAY", "100.00")
        deliver_event(client, created_onramp(client, user, "100.00"), user, "payment.failed")
        created_onramp(client, user, "100.00")

    def test_a_successful_on_ramp_counts_once(self, client: FlaskClient, user: Actor) -> None:
        set_limit(client, user, "ONRAMP", "DAY", "100.00")
        deliver_event(client, created_onramp(client, user, "60.00"), user)
        assert refusal(create_onramp(client, user, "40.01")) == (400, "LIMIT_EXCEEDED")
        created_onramp(client, user, "40.00")

    def test_each_user_has_their_own_limits(self, client: FlaskClient, user: Actor) -> None:
        set_limit(client, user, "ONRAMP", "DAY", "100.00")
        created_onramp(client, factories.actor(), "60.00")
        created_onramp(client, user, "100.00")


class TestReading:
    def test_the_list_is_paginated_newest_first(self, client: FlaskClient, user: Actor) -> None:
        ids = [created_onramp(client, user)["id"] for _ in range(5)]
        created_onramp(client, factories.actor())
        first = client.get(f"{ONRAMP}?limit=2", headers=user.headers).json
        assert [row["id"] for row in first["data"]] == ids[:2:-1]
        assert first["meta"]["total"] == 5
        cursor = first["meta"]["nextCursor"]
        second = client.get(f"{ONRAMP}?limit=2&cursor={cursor}", headers=user.headers).json
        assert [row["id"] for row in second["data"]] == [ids[2], ids[1]]

    def test_the_list_can_be_filtered_by_status(self, client: FlaskClient, user: Actor) -> None:
        paid, declined, waiting = (created_onramp(client, user) for _ in range(3))
        deliver_event(client, paid, user)
        deliver_event(client, declined, user, "payment.failed")
        for status, onramp in (("SUCCESS", paid), ("FAILURE", declined), ("PROCESSING", waiting)):
            page = client.get(f"{ONRAMP}?status={status}", headers=user.headers).json
            assert [row["id"] for row in page["data"]] == [onramp["id"]]
            assert page["meta"]["total"] == 1
        answer = client.get(f"{ONRAMP}?status=LOST", headers=user.headers)
        assert refusal(answer) == (400, "VALIDATION_ERROR")

    def test_one_on_ramp_is_shown_as_when_it_was_created(
        self, client: FlaskClient, user: Actor
    ) -> None:
        onramp = created_onramp(client, user)
        assert get_onramp(client, user, onramp) == onramp
        assert client.get(ONRAMP, headers=user.headers).json["data"] == [onramp]

    @pytest.mark.parametrize("which", ["", "x", "00000000-0000-0000-0000-00000000000g"])
    def test_a_malformed_id_is_not_found(
        self, client: FlaskClient, user: Actor, which: str
    ) -> None:
        answer = client.get(f"{ONRAMP}/x{which}", headers=user.headers)
        assert refusal(answer) == (404, "NOT_FOUND")

    def test_an_on_ramp_of_another_user_is_not_found(
        self, client: FlaskClient, user: Actor
    ) -> None:
        onramp = created_onramp(client, user)
        answer = client.get(f"{ONRAMP}/{onramp['id']}", headers=factories.admin().headers)
        assert refusal(answer) == (404, "ONRAMP_NOT_FOUND")

    def test_the_banks_are_listed_by_code_and_name_only(self, client: FlaskClient) -> None:
        assert client.get(f"{ONRAMP}/providers").json == [
            {"code": "HDFC", "name": "HDFC Bank"},
            {"code": "AXIS", "name": "Axis Bank"},
        ]

    def test_a_bank_that_was_removed_is_shown_by_its_code(
        self, client: FlaskClient, user: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        onramp = created_onramp(client, user)
        monkeypatch.delitem(providers._providers(), "HDFC")
        shown = get_onramp(client, user, onramp)
        assert (shown["providerName"], shown["paymentUrl"]) == ("HDFC", None)


class TestPaymentLink:
    @pytest.fixture
    def redis_client(self, app: Flask) -> redis.Redis:
        client: redis.Redis = cache.client()
        return client

    @pytest.fixture
    def without_redis(self) -> Iterator[None]:
        unavailable = redis_client.connect("redis://127.0.0.1:1/0")
        previous = links.link_cache()
        links.link_cache.configure(cache.Region(unavailable, "onramp-links", ttl=300))
        yield
        assert previous is not None
        links.link_cache.configure(previous)

    def test_redis_caches_the_link_for_five_minutes(
        self, client: FlaskClient, user: Actor, redis_client: redis.Redis
    ) -> None:
        onramp = created_onramp(client, user)
        (key,) = (k for k in redis_client.scan_iter("*") if onramp["id"].encode() in k)
        assert 295 <= redis_client.ttl(key) <= 300
        assert onramp["paymentUrl"].encode() in redis_client.get(key)

    def test_a_cached_link_is_not_signed_again(
        self, client: FlaskClient, user: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        onramp = created_onramp(client, user)
        bank = providers.get("HDFC")
        assert bank is not None
        moved = replace(bank, url="https://new.bank.test")
        monkeypatch.setitem(providers._providers(), "HDFC", moved)
        assert get_onramp(client, user, onramp)["paymentUrl"] == onramp["paymentUrl"]

    def test_without_redis_the_link_is_signed_from_the_row(
        self, client: FlaskClient, user: Actor, without_redis: None
    ) -> None:
        onramp = created_onramp(client, user)
        assert get_onramp(client, user, onramp)["paymentUrl"] == onramp["paymentUrl"]

    def test_after_five_minutes_there_is_no_link(
        self, client: FlaskClient, user: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        onramp = created_onramp(client, user)
        freeze_clock(monkeypatch, clock.now() + timedelta(minutes=4, seconds=58))
        assert get_onramp(client, user, onramp)["paymentUrl"] == onramp["paymentUrl"]
        freeze_clock(monkeypatch, clock.now() + timedelta(seconds=2))
        assert get_onramp(client, user, onramp)["paymentUrl"] is None

    def test_an_ended_on_ramp_has_no_link(self, client: FlaskClient, user: Actor) -> None:
        onramp = created_onramp(client, user)
        deliver_event(client, onramp, user)
        assert get_onramp(client, user, onramp)["paymentUrl"] is None

    def test_the_reference_is_the_token(self, client: FlaskClient, user: Actor) -> None:
        onramp = created_onramp(client, user)
        reference = request_in(onramp["paymentUrl"])["reference"]
        assert bank_event(onramp, user)["data"]["reference"] == reference
