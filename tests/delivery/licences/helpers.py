"""Requests to the endpoints of licences."""

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.common import db
from app.delivery.handler import OrderLine
from app.delivery.licences import tasks
from app.events.models import OutboxEvent
from app.products.models import ProductKind
from tests import factories
from tests.delivery import helpers as delivery_helpers
from tests.delivery.helpers import REASON, bought, get_delivery
from tests.factories import Actor

#: A valid key of no licence.
UNKNOWN_KEY = "7Z3QK-M0T8V-X4R1D-9HWYB-2C6ES"


def licence_product(seller: Actor | None = None, *, units: int = 1_000) -> UUID:
    """A product of the kind LICENCE."""
    return delivery_helpers.product(
        seller or factories.merchant(), ProductKind.LICENCE, units=units
    )


def terms_url(product_id: UUID | str) -> str:
    return f"/api/v1/products/{product_id}/licence-terms"


def put_terms(
    client: FlaskClient, seller: Actor, product_id: UUID | str, **terms: Any
) -> TestResponse:
    body = {"activationLimit": 3, "validDays": None} | terms
    return client.put(terms_url(product_id), json=body, headers=seller.headers)


def sold_key(
    client: FlaskClient, seller: Actor | None = None, **terms: Any
) -> tuple[UUID, str, OrderLine]:
    """A product, and the key and order of a licence that was sold on these terms."""
    seller = seller or factories.merchant()
    product_id = licence_product(seller)
    if terms:
        assert put_terms(client, seller, product_id, **terms).status_code == 200
    line = delivery_helpers.bought(factories.buyer(), product_id)
    return product_id, delivery_helpers.delivered(line)["licences"][0]["key"], line


def post_licence(client: FlaskClient, action: str, key: str, **fields: Any) -> TestResponse:
    """Send a request about a key. action: validate, activate or deactivate."""
    return client.post(f"/api/v1/licences/{action}", json={"key": key} | fields)


def activate_key(client: FlaskClient, key: str, instance: str, **fields: Any) -> dict[str, Any]:
    answer = post_licence(client, "activate", key, instance=instance, **fields)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def events_of(event_type: str) -> list[Any]:
    """The data of all events of that type."""
    with db.transaction() as session:
        found = select(OutboxEvent.data).where(OutboxEvent.type == event_type)
        return list(session.scalars(found.order_by(OutboxEvent.sequence)))


class Sold:
    """Licences of one order, their buyer and their merchant."""

    def __init__(self, client: FlaskClient, quantity: int = 1, **terms: Any) -> None:
        self.client = client
        self.seller, self.buyer = factories.merchant(), factories.buyer()
        self.product_id = licence_product(self.seller)
        if terms:
            assert put_terms(client, self.seller, self.product_id, **terms).status_code == 200
        self.line = bought(self.buyer, self.product_id, quantity)

    @property
    def licences(self) -> list[Any]:
        """As the buyer sees them."""
        body = get_delivery(self.client, self.buyer, str(self.line.order_id)).json
        licences: list[Any] = body["licences"]
        return licences

    def post(self, action: str, licence_id: str, caller: Actor | None = None) -> TestResponse:
        """Revoke or reissue a licence."""
        return self.client.post(
            f"/api/v1/products/{self.product_id}/licences/{licence_id}/{action}",
            json=REASON,
            headers=(caller or self.seller).headers,
        )

    def machines(self, licence_id: str, caller: Actor, **query: Any) -> TestResponse:
        return self.client.get(
            f"/api/v1/licences/{licence_id}/activations",
            query_string=query,
            headers=caller.headers,
        )

    def free(self, licence_id: str, instance: str, caller: Actor) -> TestResponse:
        """Free the machine of that name."""
        listed = self.machines(licence_id, self.seller).json["data"]
        (activation_id,) = (each["id"] for each in listed if each["instance"] == instance)
        return self.client.delete(
            f"/api/v1/licences/{licence_id}/activations/{activation_id}", headers=caller.headers
        )

    def apply_terms(self) -> dict[str, Any]:
        """Request the application of the terms, and execute its job."""
        url = terms_url(self.product_id)
        answer = self.client.post(f"{url}/apply", headers=self.seller.headers)
        assert (answer.status_code, answer.json["isApplying"]) == (202, True)
        tasks.apply_terms(self.product_id)
        terms: dict[str, Any] = self.client.get(url, headers=self.seller.headers).json
        return terms
