"""Licences as programs, buyers and merchants see them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import clock, db, encryption, http
from app.delivery.goods import GoodsMissing
from app.delivery.licences.models import Licence
from app.events.models import OutboxEvent
from app.products.models import ProductKind
from tests import factories
from tests.answers import TIME, error_body, refusal
from tests.clock import freeze_clock
from tests.concurrency import broken
from tests.delivery.helpers import (
    UNKNOWN,
    bought,
    goods,
    order,
    product,
    revoked,
    shown,
    taken_back,
)
from tests.delivery.licences.helpers import (
    STRANGE_KEY,
    activated,
    ask,
    licence_product,
    put_terms,
    sold_key,
    terms_url,
)


def events_of(kind: str) -> list[Any]:
    with db.transaction() as session:
        return list(session.scalars(select(OutboxEvent.data).where(OutboxEvent.type == kind)))


class TestTerms:
    def test_the_usual_ones_hold_until_others_are_set(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = licence_product(seller)
        answer = client.get(terms_url(product_id), headers=seller.headers)
        assert (answer.status_code, answer.json) == (200, {"activationLimit": 3, "validDays": None})

        for terms in ({"activationLimit": None, "validDays": 365}, {"activationLimit": 1}):
            answer = put_terms(client, seller, product_id, **terms)
            expected = {"activationLimit": 3, "validDays": None} | terms
            assert (answer.status_code, answer.json) == (200, expected)
            assert client.get(terms_url(product_id), headers=seller.headers).json == expected
        assert events_of("licence-terms-changed")[-1] == {"activationLimit": 1, "validDays": None}

    def test_they_are_those_of_the_sale(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = licence_product(seller)
        before = bought(factories.buyer(), product_id)
        put_terms(client, seller, product_id, activationLimit=None, validDays=10)
        after = bought(factories.buyer(), product_id)
        put_terms(client, seller, product_id, activationLimit=7, validDays=None)

        (old,) = shown(before)["licences"]
        (new,) = shown(after)["licences"]
        assert (old["activationLimit"], old["expiresAt"]) == (3, None)
        assert new["activationLimit"] is None
        with db.transaction() as session:
            licence = session.scalars(
                select(Licence).where(Licence.order_id == after.order_id)
            ).one()
        assert licence.expires_at == licence.created_at + timedelta(days=10)
        assert new["expiresAt"] == clock.to_wire(licence.expires_at)

    @pytest.mark.parametrize(
        "terms",
        [
            {"activationLimit": 0},
            {"activationLimit": 1_000_001},
            {"activationLimit": "3"},
            {"validDays": 0},
            {"validDays": 36_501},
            {"validDays": 1.5},
            {"other": 1},
        ],
    )
    def test_impossible_ones_are_refused(self, client: FlaskClient, terms: Any) -> None:
        seller = factories.merchant()
        answer = put_terms(client, seller, licence_product(seller), **terms)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == list(terms)

    def test_the_longest_ones_can_be_sold(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=1_000_000, validDays=36_500)
        body = ask(client, "validate", key).json
        assert (body["activationLimit"], body["activationsLeft"]) == (1_000_000, 1_000_000)

    def test_other_kinds_of_products_have_none(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = product(seller, ProductKind.PLAIN)
        for answer in (
            put_terms(client, seller, product_id),
            client.get(terms_url(product_id), headers=seller.headers),
        ):
            assert refusal(answer) == (400, "PRODUCT_HAS_NO_LICENCES")

    def test_others_can_neither_see_nor_set_them(self, client: FlaskClient) -> None:
        product_id = licence_product()
        other = factories.merchant()
        for answer in (
            put_terms(client, other, product_id),
            client.get(terms_url(product_id), headers=other.headers),
        ):
            assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert refusal(put_terms(client, other, UNKNOWN)) == (404, "PRODUCT_NOT_FOUND")


class TestDelivery:
    def test_an_order_has_a_licence_for_each_unit(self, client: FlaskClient) -> None:
        line = bought(factories.buyer(), licence_product(), 3)
        licences = shown(line)["licences"]
        assert len({licence["key"] for licence in licences}) == 3
        for licence in licences:
            assert list(licence) == [
                "key",
                "status",
                "activationLimit",
                "activations",
                "expiresAt",
            ]
            assert (licence["status"], licence["activations"]) == ("ACTIVE", 0)
        assert broken() == []

    def test_the_buyer_has_the_key_in_the_same_breath(self, client: FlaskClient) -> None:
        product_id, buyer = licence_product(units=2), factories.buyer()
        made = order(client, buyer, product_id, 2).json
        assert made["status"] == "COMPLETED"
        answer = goods(client, buyer, made["id"])
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        for licence in answer.json["licences"]:
            assert ask(client, "validate", licence["key"]).json["valid"] is True
        assert broken() == []

    def test_keys_are_sealed_for_their_rows(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        with db.transaction() as session:
            licence = session.scalars(select(Licence)).one()
        assert key.encode() not in licence.sealed
        with pytest.raises(encryption.DecryptionFailed):
            encryption.decrypt(licence.sealed, context=f"licence/{UNKNOWN}")

    def test_a_key_that_was_made_under_an_old_secret_is_found(self, client: FlaskClient) -> None:
        used = http.settings().encryption_secrets
        try:
            _, key, line = sold_key(client)
            encryption.configure(["n" * 32, *used])
            assert ask(client, "validate", key).json["valid"] is True
            assert shown(line)["licences"][0]["key"] == key
        finally:
            encryption.configure(used)

    def test_the_newest_are_revoked_first(self, client: FlaskClient) -> None:
        line = bought(factories.buyer(), licence_product(), 3)
        keys = [licence["key"] for licence in shown(line)["licences"]]
        assert taken_back(line, 2) == 2
        states = {licence["key"]: licence["status"] for licence in shown(line)["licences"]}
        assert states == dict(zip(keys, ["ACTIVE", "REVOKED", "REVOKED"], strict=True))
        assert len(events_of("licence-revoked")) == 2
        with pytest.raises(GoodsMissing):
            revoked(line, 2)
        assert taken_back(line, 1) == 1

    def test_no_key_is_in_an_event(self, client: FlaskClient) -> None:
        _, key, line = sold_key(client)
        activated(client, key, "machine")
        taken_back(line, 1)
        with db.transaction() as session:
            events = str(session.scalars(select(OutboxEvent.data)).all())
        assert key not in events
        assert key[-4:] not in events


class TestValidating:
    def test_it_tells_what_a_program_needs_and_never_the_buyer(self, client: FlaskClient) -> None:
        product_id, key, _ = sold_key(client)
        answer = ask(client, "validate", key)
        assert answer.status_code == 200
        assert answer.json == {
            "valid": True,
            "reason": None,
            "productId": str(product_id),
            "productName": "Voucher",
            "status": "ACTIVE",
            "expiresAt": None,
            "activationLimit": 3,
            "activations": 0,
            "activationsLeft": 3,
        }
        assert answer.headers["Cache-Control"] == "no-store"

    def test_a_key_may_be_typed_carelessly(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        typed = key.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        assert ask(client, "validate", typed).json["valid"] is True

    def test_on_a_machine_it_must_be_active(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        body = ask(client, "validate", key, instance="machine").json
        assert (body["valid"], body["reason"]) == (False, "NOT_ACTIVATED")
        activated(client, key, "machine")
        body = ask(client, "validate", key, instance="machine").json
        assert (body["valid"], body["reason"], body["activationsLeft"]) == (True, None, 2)
        assert ask(client, "validate", key, instance="other").json["valid"] is False

    def test_an_expired_one_does_not_hold(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, key, line = sold_key(client, validDays=1)
        activated(client, key, "machine")
        freeze_clock(monkeypatch, clock.now() + timedelta(days=1))
        for fields in ({}, {"instance": "machine"}, {"instance": "other"}):
            answer = ask(client, "validate", key, **fields)
            assert answer.status_code == 200
            assert (answer.json["valid"], answer.json["reason"]) == (False, "EXPIRED")
            assert answer.json["status"] == "EXPIRED"
        assert shown(line)["licences"][0]["status"] == "EXPIRED"

    def test_a_revoked_one_does_not_hold(self, client: FlaskClient) -> None:
        _, key, line = sold_key(client)
        taken_back(line, 1)
        body = ask(client, "validate", key).json
        assert (body["valid"], body["reason"], body["status"]) == (False, "REVOKED", "REVOKED")

    @pytest.mark.parametrize("what", ["validate", "activate", "deactivate"])
    def test_wrong_keys_are_refused(self, client: FlaskClient, what: str) -> None:
        fields = {"instance": "machine"}
        assert refusal(ask(client, what, STRANGE_KEY, **fields)) == (404, "LICENCE_NOT_FOUND")
        answer = ask(client, what, STRANGE_KEY[:-1] + "T", **fields)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert error_body(answer)["details"] == {
            "key": ["Not a licence key: look for typing errors."]
        }


class TestActivating:
    def test_it_uses_up_one_of_the_machines(self, client: FlaskClient) -> None:
        product_id, key, line = sold_key(client)
        body = activated(client, key, "machine-1", label="Alice's")
        assert body.pop("activatedAt")
        assert body == {
            "instance": "machine-1",
            "label": "Alice's",
            "productId": str(product_id),
            "productName": "Voucher",
            "status": "ACTIVE",
            "expiresAt": None,
            "activationLimit": 3,
            "activations": 1,
            "activationsLeft": 2,
        }
        assert shown(line)["licences"][0]["activations"] == 1
        assert events_of("licence-activated") == [{"productId": str(product_id), "activations": 1}]
        assert broken() == []

    def test_again_on_the_same_machine_changes_nothing(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        first = activated(client, key, "machine", label="first")
        assert activated(client, key, " machine ", label="second") == first
        assert re.fullmatch(TIME, first["activatedAt"])
        assert len(events_of("licence-activated")) == 1

    def test_over_the_limit_it_is_refused_with_numbers(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=2)
        activated(client, key, "one")
        activated(client, key, "two")
        answer = ask(client, "activate", key, instance="three")
        assert refusal(answer) == (409, "ACTIVATION_LIMIT_REACHED")
        assert error_body(answer)["details"] == {"activationLimit": 2, "activations": 2}
        assert activated(client, key, "two")["activationsLeft"] == 0

    def test_without_a_limit_there_are_as_many_as_one_likes(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=None)
        for number in range(10):
            body = activated(client, key, f"machine-{number}")
        assert (body["activations"], body["activationsLeft"]) == (10, None)

    def test_what_does_not_hold_is_refused(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, revoked, line = sold_key(client)
        taken_back(line, 1)
        assert refusal(ask(client, "activate", revoked, instance="machine")) == (
            409,
            "LICENCE_REVOKED",
        )
        _, expired, _ = sold_key(client, validDays=1)
        freeze_clock(monkeypatch, clock.now() + timedelta(days=2))
        assert refusal(ask(client, "activate", expired, instance="machine")) == (
            409,
            "LICENCE_EXPIRED",
        )

    @pytest.mark.parametrize("instance", ["", "  ", "x" * 201, "a\x07b", "a\u200bb", 5, None])
    def test_a_machine_has_a_name_that_can_be_read(
        self, client: FlaskClient, instance: Any
    ) -> None:
        _, key, _ = sold_key(client)
        for what in ("activate", "deactivate", "validate"):
            answer = ask(client, what, key, instance=instance)
            assert refusal(answer) == (400, "VALIDATION_ERROR")
            assert list(error_body(answer)["details"]) == ["instance"]

    def test_a_machine_must_be_named(self, client: FlaskClient) -> None:
        for what in ("activate", "deactivate"):
            assert refusal(ask(client, what, STRANGE_KEY)) == (400, "VALIDATION_ERROR")


class TestDeactivating:
    def test_it_makes_room_for_another_machine(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=1)
        activated(client, key, "old")
        answer = ask(client, "deactivate", key, instance="old")
        assert (answer.status_code, answer.json["activationsLeft"]) == (200, 1)
        assert next(iter(answer.json)) == "productId"
        assert activated(client, key, "new")["activations"] == 1
        ask(client, "deactivate", key, instance="new")
        assert activated(client, key, "old")["activations"] == 1
        assert len(events_of("licence-deactivated")) == 2
        assert broken() == []

    def test_where_it_is_not_active_it_is_refused(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        activated(client, key, "machine")
        ask(client, "deactivate", key, instance="machine")
        for instance in ("machine", "other"):
            answer = ask(client, "deactivate", key, instance=instance)
            assert refusal(answer) == (404, "ACTIVATION_NOT_FOUND")

    def test_it_works_after_the_licence_has_ended(self, client: FlaskClient) -> None:
        _, key, line = sold_key(client)
        activated(client, key, "machine")
        taken_back(line, 1)
        answer = ask(client, "deactivate", key, instance="machine")
        assert (answer.status_code, answer.json["status"]) == (200, "REVOKED")


class TestGuessing:
    def test_wrong_keys_are_few_and_right_ones_many(self, rate_limited: Flask) -> None:
        client = rate_limited.test_client()
        _, key, _ = sold_key(client)
        for _ in range(100):
            assert ask(client, "validate", key).status_code == 200
        kinds = ("validate", "activate", "deactivate")
        answers = [
            ask(client, kinds[number % 3], STRANGE_KEY, instance="machine").status_code
            for number in range(61)
        ]
        assert answers == [404] * 60 + [429]

    def test_what_a_right_key_is_refused_for_is_no_guess(self, rate_limited: Flask) -> None:
        client = rate_limited.test_client()
        _, key, _ = sold_key(client)
        for _ in range(70):
            assert ask(client, "deactivate", key, instance="no").status_code == 404
        assert ask(client, "validate", key).status_code == 200


class TestLists:
    def test_a_merchant_sees_the_end_of_each_key(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id, key, line = sold_key(client, seller)
        activated(client, key, "machine")
        newer = bought(factories.buyer(), product_id)
        answer = client.get(f"/api/v1/products/{product_id}/licences", headers=seller.headers)
        assert answer.json["meta"]["total"] == 2
        rows = answer.json["data"]
        assert [row["orderId"] for row in rows] == [str(newer.order_id), str(line.order_id)]
        assert list(rows[1]) == [
            "id",
            "key",
            "status",
            "orderId",
            "activationLimit",
            "activations",
            "expiresAt",
            "createdAt",
        ]
        assert rows[1]["key"] == f"••••{key[-4:]}"
        assert (rows[1]["status"], rows[1]["activations"]) == ("ACTIVE", 1)

    def test_page_by_page(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = licence_product(seller)
        line = bought(factories.buyer(), product_id, 5)
        ends = [licence["key"][-4:] for licence in shown(line)["licences"]]
        seen, query = [], {"limit": 2}
        while True:
            body = client.get(
                f"/api/v1/products/{product_id}/licences",
                query_string=query,
                headers=seller.headers,
            ).json
            seen += [row["key"][-4:] for row in body["data"]]
            if body["meta"]["nextCursor"] is None:
                break
            query["cursor"] = body["meta"]["nextCursor"]
        assert seen == ends[::-1]

    def test_others_see_nothing(self, client: FlaskClient) -> None:
        product_id, _, _ = sold_key(client)
        url = f"/api/v1/products/{product_id}/licences"
        answer = client.get(url, headers=factories.merchant().headers)
        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert refusal(client.get(url)) == (401, "UNAUTHORIZED")
