"""What merchants and buyers do with sold licences: machines, revocation, reissue, changed terms."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import clock
from app.delivery.licences import tasks
from tests import factories
from tests.clock import freeze_clock
from tests.concurrency import broken_invariants
from tests.delivery.helpers import REASON, UNKNOWN, audited, delivered, refund_units
from tests.delivery.licences.helpers import (
    Sold,
    activate_key,
    events_of,
    licence_product,
    post_licence,
    put_terms,
    terms_url,
)
from tests.responses import error_body, refusal


class TestMachines:
    def test_buyer_and_merchant_see_them(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sold = Sold(client)
        (licence,) = sold.licences
        activate_key(client, licence["key"], "one", label="Alice's")
        activate_key(client, licence["key"], "two")
        later = clock.now() + timedelta(hours=2)
        with monkeypatch.context() as patch:
            freeze_clock(patch, later)
            post_licence(client, "validate", licence["key"], instance="one")
            post_licence(client, "deactivate", licence["key"], instance="two")

        (machine,) = sold.machines(licence["id"], sold.buyer).json["data"]

        assert (machine["instance"], machine["label"]) == ("one", "Alice's")
        assert machine["activatedAt"] < machine["lastSeenAt"] == clock.format_timestamp(later)
        assert machine["deactivatedAt"] is None
        past = sold.machines(licence["id"], sold.seller, includePast="true").json["data"]
        assert [each["instance"] for each in past] == ["two", "one"]
        assert past[0]["deactivatedAt"] == clock.format_timestamp(later)
        page = sold.machines(licence["id"], sold.seller, includePast="true", limit=1).json
        assert page["meta"]["nextCursor"]

    def test_nobody_else_sees_or_frees_them(self, client: FlaskClient) -> None:
        sold = Sold(client)
        (licence,) = sold.licences
        activate_key(client, licence["key"], "one")
        for stranger in (factories.buyer(), factories.merchant()):
            assert refusal(sold.machines(licence["id"], stranger)) == (404, "LICENCE_NOT_FOUND")
            assert refusal(sold.free(licence["id"], "one", stranger)) == (404, "LICENCE_NOT_FOUND")

    def test_a_machine_is_freed_once(self, client: FlaskClient) -> None:
        sold = Sold(client, activationLimit=1)
        (licence,) = sold.licences
        activate_key(client, licence["key"], "old")
        url = f"/api/v1/licences/{licence['id']}/activations/"
        url += sold.machines(licence["id"], sold.buyer).json["data"][0]["id"]
        assert client.delete(url, headers=sold.buyer.headers).status_code == 204
        again = client.delete(url, headers=sold.buyer.headers)
        assert refusal(again) == (404, "ACTIVATION_NOT_FOUND")
        assert activate_key(client, licence["key"], "new")["activations"] == 1
        assert broken_invariants() == []


class TestCycling:
    def test_activations_in_30_days_are_limited(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sold = Sold(client, activationLimit=1, activationsPer30Days=2)
        (licence,) = sold.licences
        first = clock.now() - timedelta(days=20)
        with monkeypatch.context() as patch:
            freeze_clock(patch, first)
            activate_key(client, licence["key"], "one")
            post_licence(client, "deactivate", licence["key"], instance="one")
        activate_key(client, licence["key"], "two")
        activate_key(client, licence["key"], "two")

        refused = sold.free(licence["id"], "two", sold.buyer)
        post_licence(client, "deactivate", licence["key"], instance="two")
        answer = post_licence(client, "activate", licence["key"], instance="three")

        assert refusal(refused) == refusal(answer) == (409, "TOO_MANY_ACTIVATIONS")
        possible_at = first + timedelta(days=30)
        assert error_body(answer)["details"] == {
            "activationsPer30Days": 2,
            "possibleAt": clock.format_timestamp(possible_at),
        }
        freeze_clock(monkeypatch, possible_at)
        activate_key(client, licence["key"], "three")
        assert broken_invariants() == []

    def test_what_the_merchant_frees_does_not_count(self, client: FlaskClient) -> None:
        sold = Sold(client, activationLimit=1, activationsPer30Days=1)
        (licence,) = sold.licences
        activate_key(client, licence["key"], "lost")
        assert refusal(sold.free(licence["id"], "lost", sold.buyer))[1] == "TOO_MANY_ACTIVATIONS"
        assert sold.free(licence["id"], "lost", sold.seller).status_code == 204
        activate_key(client, licence["key"], "new")
        assert audited()[-1] == ("licence.free", None)

    def test_by_default_every_machine_can_be_replaced_twice(self, client: FlaskClient) -> None:
        sold = Sold(client)
        (licence,) = sold.licences
        for number in range(9):
            activate_key(client, licence["key"], f"machine-{number}")
            post_licence(client, "deactivate", licence["key"], instance=f"machine-{number}")
        answer = post_licence(client, "activate", licence["key"], instance="machine-9")
        assert refusal(answer) == (409, "TOO_MANY_ACTIVATIONS")

    @pytest.mark.parametrize(
        ("terms", "expected"),
        [
            ({"activationLimit": 5}, 15),
            ({"activationLimit": None}, None),
            ({"activationLimit": 5, "activationsPer30Days": None}, None),
            ({"activationLimit": None, "activationsPer30Days": 4}, 4),
            ({"activationLimit": 1_000_000}, 1_000_000),
        ],
    )
    def test_the_limit_is_a_term(
        self, client: FlaskClient, terms: dict[str, Any], expected: int | None
    ) -> None:
        seller = factories.merchant()
        answer = put_terms(client, seller, licence_product(seller), **terms)
        assert (answer.status_code, answer.json["activationsPer30Days"]) == (200, expected)

    def test_it_cannot_be_lower_than_the_limit_of_machines(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        answer = put_terms(client, seller, licence_product(seller), activationsPer30Days=2)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == ["activationsPer30Days"]


class TestLimitEvent:
    def test_the_merchant_is_told_once_a_day(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sold = Sold(client, activationLimit=1)
        (licence,) = sold.licences
        activate_key(client, licence["key"], "one")
        for _ in range(2):
            answer = post_licence(client, "activate", licence["key"], instance="two")
            assert refusal(answer) == (409, "ACTIVATION_LIMIT_REACHED")
        (told,) = events_of("licence-limit-reached")
        assert (told["productId"], told["orderId"], told["activationLimit"]) == (
            *(str(sold.product_id), str(sold.line.order_id), 1),
        )
        freeze_clock(monkeypatch, clock.now() + timedelta(days=1))
        post_licence(client, "activate", licence["key"], instance="two")
        assert events_of("licence-limit-reached") == [told, told]


class TestRevoking:
    def test_the_buyer_sees_the_reason_and_the_application_is_refused(
        self, client: FlaskClient
    ) -> None:
        sold = Sold(client, 2)
        revoked, kept = sold.licences
        answer = sold.post("revoke", revoked["id"])
        assert answer.status_code == 200, answer.text
        assert (answer.json["status"], answer.json["revocationReason"]) == (
            "REVOKED",
            REASON["reason"],
        )
        assert [(each["status"], each["revocationReason"]) for each in sold.licences] == [
            ("REVOKED", REASON["reason"]),
            ("ACTIVE", None),
        ]
        assert post_licence(client, "validate", revoked["key"]).json["reason"] == "REVOKED"
        assert post_licence(client, "validate", kept["key"]).json["valid"] is True
        refused = post_licence(client, "activate", revoked["key"], instance="one")
        assert refusal(refused) == (409, "LICENCE_REVOKED")
        assert audited()[-1] == ("licence.revoke", REASON["reason"])
        assert [event["reason"] for event in events_of("licence-revoked")] == [REASON["reason"]]
        assert refusal(sold.post("revoke", revoked["id"])) == (409, "LICENCE_REVOKED")
        assert broken_invariants() == []

    def test_a_refund_takes_the_revoked_one_back_first(self, client: FlaskClient) -> None:
        sold = Sold(client, 3)
        ids = [licence["id"] for licence in sold.licences]
        sold.post("revoke", ids[0])
        assert refund_units(sold.line, 1) == 1
        assert [each["status"] for each in sold.licences] == ["REVOKED", "ACTIVE", "ACTIVE"]
        assert broken_invariants() == []
        assert refund_units(sold.line, 2) == 2
        assert {each["status"] for each in delivered(sold.line)["licences"]} == {"REVOKED"}
        assert len(events_of("licence-revoked")) == 3
        assert broken_invariants() == []
        assert refusal(sold.post("reissue", ids[0])) == (409, "LICENCE_REVOKED")

    @pytest.mark.parametrize("action", ["revoke", "reissue"])
    def test_only_its_merchant_can(self, client: FlaskClient, action: str) -> None:
        sold, other = Sold(client), Sold(client)
        (licence,) = sold.licences
        assert refusal(sold.post(action, licence["id"], factories.merchant()))[0] == 403
        assert refusal(other.post(action, licence["id"])) == (404, "LICENCE_NOT_FOUND")
        assert refusal(sold.post(action, UNKNOWN)) == (404, "LICENCE_NOT_FOUND")


class TestReissuing:
    def test_a_new_key_takes_the_place_of_the_old_one(self, client: FlaskClient) -> None:
        sold = Sold(client, validDays=30, activationLimit=2)
        (old,) = sold.licences
        activate_key(client, old["key"], "one")
        stock = client.get(f"/api/v1/products/{sold.product_id}").json["availableUnits"]

        answer = sold.post("reissue", old["id"])

        assert answer.status_code == 201, answer.text
        dead, new = sold.licences
        assert (dead["status"], dead["replacedBy"]) == ("REVOKED", new["id"])
        assert (new["status"], new["activations"], new["activationLimit"]) == ("ACTIVE", 0, 2)
        assert new["expiresAt"] == old["expiresAt"]
        assert answer.json["id"] == new["id"]
        assert answer.json["key"] == "••••" + new["key"][-4:]
        assert post_licence(client, "validate", old["key"]).json["reason"] == "REVOKED"
        assert activate_key(client, new["key"], "one")["activations"] == 1
        product = client.get(f"/api/v1/products/{sold.product_id}").json
        assert product["availableUnits"] == stock
        assert audited()[-1] == ("licence.reissue", REASON["reason"])
        assert [event["replacedBy"] for event in events_of("licence-reissued")] == [new["id"]]
        assert refusal(sold.post("reissue", old["id"])) == (409, "LICENCE_REVOKED")
        assert broken_invariants() == []
        assert refund_units(sold.line, 1) == 1
        assert {each["status"] for each in delivered(sold.line)["licences"]} == {"REVOKED"}
        assert broken_invariants() == []

    def test_a_revoked_one_can_be_reissued(self, client: FlaskClient) -> None:
        sold = Sold(client)
        (old,) = sold.licences
        sold.post("revoke", old["id"])
        assert sold.post("reissue", old["id"]).status_code == 201
        assert [each["status"] for each in sold.licences] == ["REVOKED", "ACTIVE"]
        assert len(events_of("licence-revoked")) == 1
        assert broken_invariants() == []


class TestApplyingTerms:
    def test_sold_licences_get_the_present_terms(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tasks, "_BATCH_SIZE", 2)
        sold = Sold(client, 5)
        busy, revoked, *_ = sold.licences
        for machine in ("one", "two"):
            activate_key(client, busy["key"], machine)
        sold.post("revoke", revoked["id"])
        put_terms(client, sold.seller, sold.product_id, activationLimit=1, validDays=7)
        assert {each["activationLimit"] for each in sold.licences} == {3}

        terms = sold.apply_terms()

        assert (terms["isApplying"], terms["applied"]) == (False, 4)
        assert [each["activationLimit"] for each in sold.licences] == [2, 3, 1, 1, 1]
        assert [each["expiresAt"] is None for each in sold.licences] == [
            *(False, True, False, False, False)
        ]
        assert audited()[-1] == ("licence-terms.apply", None)
        assert events_of("licence-terms-applied") == [
            {"merchantId": str(sold.seller.id), "applied": 4}
        ]
        assert sold.apply_terms()["applied"] == 0
        assert broken_invariants() == []

    def test_a_reissued_licence_expires_from_the_sale(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sold = Sold(client, validDays=5)
        (old,) = sold.licences
        with monkeypatch.context() as patch:
            freeze_clock(patch, clock.now() + timedelta(days=3))
            sold.post("reissue", old["id"])
        sold.apply_terms()
        assert {each["expiresAt"] for each in sold.licences} == {old["expiresAt"]}

    def test_terms_that_change_meanwhile_reach_every_licence(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tasks, "_BATCH_SIZE", 1)
        monkeypatch.setattr(tasks, "_BATCHES_PER_JOB", 1)
        sold = Sold(client, 2)
        put_terms(client, sold.seller, sold.product_id, activationLimit=4)
        assert sold.apply_terms()["isApplying"] is True
        put_terms(client, sold.seller, sold.product_id, activationLimit=5)
        for _ in range(3):
            tasks.apply_terms(sold.product_id)
        assert [each["activationLimit"] for each in sold.licences] == [5, 5]

    def test_a_lost_job_is_resumed(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sold = Sold(client)
        enqueued: list[Any] = []
        monkeypatch.setattr("app.common.queue.enqueue", lambda *job: enqueued.append(job))
        client.post(f"{terms_url(sold.product_id)}/apply", headers=sold.seller.headers)
        assert enqueued.pop() == (tasks.apply_terms, sold.product_id)
        assert tasks.sweep() == 0
        freeze_clock(monkeypatch, clock.now() + timedelta(minutes=5))
        assert tasks.sweep() == 1
        assert enqueued == [(tasks.apply_terms, sold.product_id)]

    def test_the_default_terms_can_be_applied(self, client: FlaskClient) -> None:
        assert Sold(client).apply_terms()["applied"] == 0
