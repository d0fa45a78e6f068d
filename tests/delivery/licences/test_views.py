"""Licences as their merchants manage them."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import clock, db
from app.delivery.licences.models import Licence
from app.products.models import ProductKind
from tests import factories
from tests.delivery.helpers import (
    UNKNOWN,
    bought,
    delivered,
    product,
)
from tests.delivery.licences.helpers import (
    activate_key,
    events_of,
    licence_product,
    post_licence,
    put_terms,
    sold_key,
    terms_url,
)
from tests.lists import pages_of
from tests.responses import error_body, refusal


class TestTerms:
    def test_the_default_applies_until_others_are_set(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = licence_product(seller)
        progress = {"isApplying": False, "applied": 0, "appliedAt": None}
        default = {"activationLimit": 3, "validDays": None, "activationsPer30Days": 9}
        answer = client.get(terms_url(product_id), headers=seller.headers)
        assert (answer.status_code, answer.json) == (200, default | progress)

        for terms in (
            {"activationLimit": None, "validDays": 365, "activationsPer30Days": None},
            {"activationLimit": 1, "activationsPer30Days": 2},
        ):
            answer = put_terms(client, seller, product_id, **terms)
            expected = default | progress | terms
            assert (answer.status_code, answer.json) == (200, expected)
            assert client.get(terms_url(product_id), headers=seller.headers).json == expected
        assert events_of("licence-terms-changed")[-1] == default | terms | {
            "merchantId": str(seller.id)
        }

    def test_a_licence_keeps_the_terms_of_its_sale(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = licence_product(seller)
        before = bought(factories.buyer(), product_id)
        put_terms(client, seller, product_id, activationLimit=None, validDays=10)
        after = bought(factories.buyer(), product_id)
        put_terms(client, seller, product_id, activationLimit=7, validDays=None)

        (old,) = delivered(before)["licences"]
        (new,) = delivered(after)["licences"]
        assert (old["activationLimit"], old["expiresAt"]) == (3, None)
        assert new["activationLimit"] is None
        with db.transaction() as session:
            licence = session.scalars(
                select(Licence).where(Licence.order_id == after.order_id)
            ).one()
        assert licence.expires_at == licence.created_at + timedelta(days=10)
        assert new["expiresAt"] == clock.format_timestamp(licence.expires_at)

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
    def test_invalid_terms_are_refused(self, client: FlaskClient, terms: Any) -> None:
        seller = factories.merchant()
        answer = put_terms(client, seller, licence_product(seller), **terms)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == list(terms)

    def test_licences_with_the_maximum_terms_can_be_sold(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=1_000_000, validDays=36_500)
        body = post_licence(client, "validate", key).json
        assert (body["activationLimit"], body["activationsLeft"]) == (1_000_000, 1_000_000)

    def test_other_kinds_of_products_have_no_terms(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = product(seller, ProductKind.PLAIN)
        for answer in (
            put_terms(client, seller, product_id),
            client.get(terms_url(product_id), headers=seller.headers),
        ):
            assert refusal(answer) == (400, "PRODUCT_HAS_NO_LICENCES")

    def test_only_the_owner_can_get_and_set_terms(self, client: FlaskClient) -> None:
        product_id = licence_product()
        other = factories.merchant()
        for answer in (
            put_terms(client, other, product_id),
            client.get(terms_url(product_id), headers=other.headers),
        ):
            assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert refusal(put_terms(client, other, UNKNOWN)) == (404, "PRODUCT_NOT_FOUND")


class TestLists:
    def test_keys_are_masked(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id, key, line = sold_key(client, seller)
        activate_key(client, key, "machine")
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
            "activationsPer30Days",
            "revokedAt",
            "revocationReason",
            "replacedBy",
            "orderNumber",
        ]
        assert rows[1]["key"] == f"••••{key[-4:]}"
        assert (rows[1]["status"], rows[1]["activations"]) == ("ACTIVE", 1)

    def test_licences_are_paginated(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = licence_product(seller)
        line = bought(factories.buyer(), product_id, 5)
        ends = [licence["key"][-4:] for licence in delivered(line)["licences"]]
        pages = pages_of(client, seller, f"/api/v1/products/{product_id}/licences", limit=2)
        assert [row["key"][-4:] for page in pages for row in page["data"]] == ends[::-1]

    def test_only_the_owner_can_list_licences(self, client: FlaskClient) -> None:
        product_id, _, _ = sold_key(client)
        url = f"/api/v1/products/{product_id}/licences"
        answer = client.get(url, headers=factories.merchant().headers)
        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert refusal(client.get(url)) == (401, "UNAUTHORIZED")

    def test_licences_are_found_by_buyer_order_and_revocation(self, client: FlaskClient) -> None:
        seller, ada, bob = factories.merchant(), factories.buyer(), factories.buyer()
        product_id = licence_product(seller)
        lines = [bought(user, product_id) for user in (ada, bob, ada)]
        bought(bob, licence_product(seller))
        url = f"/api/v1/products/{product_id}/licences"

        def orders(**query: Any) -> list[str]:
            answer = client.get(url, query_string=query, headers=seller.headers)
            assert answer.status_code == 200, answer.text
            return [row["orderId"] for row in answer.json["data"]]

        by_ada = [str(lines[2].order_id), str(lines[0].order_id)]
        assert orders(buyerEmail=ada.email.upper()) == by_ada
        assert orders(buyerEmail=ada.email, sort="oldest") == by_ada[::-1]
        assert orders(buyerEmail="nobody@example.com") == []
        assert orders(orderId=lines[1].order_id) == [str(lines[1].order_id)]
        assert orders(orderId=lines[1].order_id, buyerEmail=ada.email) == []
        licence = client.get(url, headers=seller.headers).json["data"][0]
        revoke = f"{url}/{licence['id']}/revoke"
        client.post(revoke, json={"reason": "Shared"}, headers=seller.headers)
        assert orders(isRevoked="true") == by_ada[:1]
        assert orders(isRevoked="false") == [str(line.order_id) for line in lines[1::-1]]
