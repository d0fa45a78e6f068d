"""Delivery of licences: a key per unit, generated when it is paid for."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.common import clock
from app.delivery.handler import DeliveryHandler, OrderLine, StockMismatch
from app.delivery.licences import repository
from app.delivery.licences.schemas import DeliveredLicencesOut
from app.delivery.licences.service import (
    DEFAULT_ACTIVATION_LIMIT,
    DEFAULT_PER_30_DAYS,
    decrypt_key,
    new_key_row,
    status_of,
)
from app.events import service as events
from app.events.catalogue.delivery import LicenceRevoked
from app.products.models import ProductKind


class LicenceHandler(DeliveryHandler):
    kind = ProductKind.LICENCE
    max_units_per_order = 1_000
    schema = DeliveredLicencesOut
    code_column = "key"

    def deliver(self, session: Session, lines: Sequence[OrderLine]) -> None:
        """Create a licence for each unit, on the current terms of the product."""
        rows = [_new_licence(line) for line in lines for _ in range(line.quantity)]
        repository.insert_licences(
            session,
            rows,
            default_limit=DEFAULT_ACTIVATION_LIMIT,
            default_per_30_days=DEFAULT_PER_30_DAYS,
            now=clock.now(),
        )

    def revoke(self, session: Session, line: OrderLine, *, units: int) -> int:
        """Revoke licences: first those that the merchant has withdrawn, then the newest.

        All units can be sold again, with new keys.
        """
        refunded = repository.lock_refundable(session, order_id=line.order_id, units=units)
        if len(refunded) != units:
            raise StockMismatch(f"{len(refunded)} of {units} licences")
        revoked = [
            LicenceRevoked.of(
                licence,
                order_number=line.order_number,
                merchant_id=line.merchant_id,
                reason=None,
            )
            for licence in refunded
            if licence.revoked_at is None
        ]
        repository.revoke_refunded(session, [each.id for each in refunded], now=clock.now())
        events.record(session, revoked)
        return units

    def list_codes(self, session: Session, line: OrderLine) -> Sequence[str]:
        rows = repository.list_licences_of_order(session, line.order_id)
        return [decrypt_key(licence) for licence in rows if licence.revoked_at is None]

    def render(self, session: Session, line: OrderLine, *, base_url: str) -> dict[str, Any]:
        """The buyer's licences, and on how many machines each is active."""
        rows = repository.list_licences_of_order(session, line.order_id)
        return {
            "licences": [
                {
                    "id": licence.id,
                    "key": decrypt_key(licence),
                    "status": status_of(licence).value,
                    "activationLimit": licence.activation_limit,
                    "activations": licence.activations,
                    "expiresAt": clock.format_timestamp(licence.expires_at),
                    "revocationReason": licence.revocation_reason,
                    "replacedBy": licence.replaced_by,
                }
                for licence in rows
            ]
        }


def _new_licence(line: OrderLine) -> dict[str, Any]:
    return {"order_id": line.order_id, "product_id": line.product_id} | new_key_row()
