"""Delivery of licences."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import db, encryption, http
from app.delivery.handler import StockMismatch
from app.delivery.licences.models import Licence
from app.events.models import OutboxEvent
from tests import factories
from tests.concurrency import broken_invariants
from tests.delivery.helpers import (
    UNKNOWN,
    bought,
    delivered,
    get_delivery,
    order,
    refund_units,
    revoke_units,
)
from tests.delivery.licences.helpers import (
    activate_key,
    events_of,
    licence_product,
    post_licence,
    sold_key,
)


class TestDelivery:
    def test_an_order_has_a_licence_for_each_unit(self, client: FlaskClient) -> None:
        line = bought(factories.buyer(), licence_product(), 3)
        licences = delivered(line)["licences"]
        assert len({licence["key"] for licence in licences}) == 3
        for licence in licences:
            assert list(licence) == [
                "id",
                "key",
                "status",
                "activationLimit",
                "activations",
                "expiresAt",
                "revocationReason",
                "replacedBy",
            ]
            assert (licence["status"], licence["activations"]) == ("ACTIVE", 0)
        assert broken_invariants() == []

    def test_the_buyer_has_the_key_immediately(self, client: FlaskClient) -> None:
        product_id, buyer = licence_product(units=2), factories.buyer()
        made = order(client, buyer, product_id, 2).json
        assert made["status"] == "COMPLETED"
        answer = get_delivery(client, buyer, made["id"])
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        for licence in answer.json["licences"]:
            assert post_licence(client, "validate", licence["key"]).json["valid"] is True
        assert broken_invariants() == []

    def test_keys_are_encrypted_for_their_rows(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        with db.transaction() as session:
            licence = session.scalars(select(Licence)).one()
        assert key.encode() not in licence.encrypted
        with pytest.raises(encryption.DecryptionFailed):
            encryption.decrypt(licence.encrypted, context=f"licence/{UNKNOWN}")

    def test_a_key_encrypted_with_an_old_secret_is_found(self, client: FlaskClient) -> None:
        used = http.settings().encryption_secrets
        try:
            _, key, line = sold_key(client)
            encryption.configure(["n" * 32, *used])
            assert post_licence(client, "validate", key).json["valid"] is True
            assert delivered(line)["licences"][0]["key"] == key
        finally:
            encryption.configure(used)

    def test_the_newest_licences_are_revoked_first(self, client: FlaskClient) -> None:
        line = bought(factories.buyer(), licence_product(), 3)
        keys = [licence["key"] for licence in delivered(line)["licences"]]
        assert refund_units(line, 2) == 2
        states = {licence["key"]: licence["status"] for licence in delivered(line)["licences"]}
        assert states == dict(zip(keys, ["ACTIVE", "REVOKED", "REVOKED"], strict=True))
        assert len(events_of("licence-revoked")) == 2
        with pytest.raises(StockMismatch):
            revoke_units(line, 2)
        assert refund_units(line, 1) == 1

    def test_no_event_contains_a_key(self, client: FlaskClient) -> None:
        _, key, line = sold_key(client)
        activate_key(client, key, "machine")
        refund_units(line, 1)
        with db.transaction() as session:
            events = str(session.scalars(select(OutboxEvent.data)).all())
        assert key not in events
        assert key[-4:] not in events
