"""Delivery of licences: a key per unit, generated when it is paid for."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.common import clock
from app.common.encryption import encrypt
from app.common.ids import new_id
from app.delivery.handler import DeliveryHandler, OrderLine, StockMismatch
from app.delivery.licences import repository
from app.delivery.licences.keys import new_key
from app.delivery.licences.schemas import DeliveredLicencesOut
from app.delivery.licences.service import (
    DEFAULT_ACTIVATION_LIMIT,
    decrypt_key,
    encryption_context,
    key_fingerprints,
    status_of,
)
from app.events import service as events
from app.events.catalogue.delivery import LicenceRevoked
from app.products.models import ProductKind


class LicenceHandler(DeliveryHandler):
    kind = ProductKind.LICENCE
    max_units_per_order = 1_000
    schema = DeliveredLicencesOut

    def deliver(self, session: Session, lines: Sequence[OrderLine]) -> None:
        """Create a licence for each unit, on the current terms of the product."""
        rows = [_new_licence(line) for line in lines for _ in range(line.quantity)]
        repository.insert_licences(
            session, rows, default_limit=DEFAULT_ACTIVATION_LIMIT, now=clock.now()
        )

    def revoke(self, session: Session, line: OrderLine, *, units: int) -> int:
        """Revoke the newest licences. All units can be sold again, with new keys."""
        revoked = repository.revoke_licences(
            session, order_id=line.order_id, units=units, now=clock.now()
        )
        if len(revoked) != units:
            raise StockMismatch(f"{len(revoked)} of {units} licences")
        events.record(
            session,
            [
                LicenceRevoked(
                    aggregate_id=licence_id,
                    product_id=line.product_id,
                    order_id=line.order_id,
                    order_number=line.order_number,
                )
                for licence_id in revoked
            ],
        )
        return units

    def render(self, session: Session, line: OrderLine, *, base_url: str) -> dict[str, Any]:
        """The buyer's licences, and on how many machines each is active."""
        rows = repository.list_licences_of_order(session, line.order_id)
        return {
            "licences": [
                {
                    "key": decrypt_key(licence),
                    "status": status_of(licence).value,
                    "activationLimit": licence.activation_limit,
                    "activations": licence.activations,
                    "expiresAt": clock.format_timestamp(licence.expires_at),
                }
                for licence in rows
            ]
        }


def _new_licence(line: OrderLine) -> dict[str, Any]:
    licence_id, key = new_id(), new_key()
    encrypted = encrypt(key.encode(), context=encryption_context(licence_id))
    return {
        "id": licence_id,
        "order_id": line.order_id,
        "product_id": line.product_id,
        "fingerprint": key_fingerprints(key)[0],
        "encrypted": encrypted,
    }
