"""Delivery of codes: each is sold once, in the order of upload."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.common import clock
from app.delivery.codes import repository
from app.delivery.codes.schemas import DeliveredCodesOut, revoked_code_out
from app.delivery.codes.service import decrypt_code, list_revoked_codes
from app.delivery.handler import DeferredCheck, DeliveryHandler, OrderLine, StockMismatch
from app.events import service as events
from app.events.catalogue.delivery import CodesRevoked
from app.products.models import ProductKind


class CodesHandler(DeliveryHandler):
    kind = ProductKind.CODES
    max_units_per_order = 1_000
    schema = DeliveredCodesOut
    code_column = "code"

    def reserve(self, session: Session, lines: Sequence[OrderLine]) -> DeferredCheck:
        """Assign codes to the orders. The check raises StockMismatch unless all have theirs."""
        rows = [
            {
                "ordinal": ordinal,
                "order_id": line.order_id,
                "product_id": line.product_id,
                "quantity": line.quantity,
            }
            for ordinal, line in enumerate(lines)
        ]
        assigned = repository.assign_codes(session, rows, now=clock.now())
        expected = sum(line.quantity for line in lines)

        def check() -> None:
            # No order gets more than its quantity, so the total is enough to know.
            (found,) = assigned
            if found.units != expected:
                raise StockMismatch(f"{found.units} of {expected} codes")

        return check

    def release(self, session: Session, line: OrderLine) -> None:
        repository.release_codes_of_order(session, order_id=line.order_id)

    def revoke(self, session: Session, line: OrderLine, *, units: int) -> int:
        """Revoke codes: first those that the merchant has withdrawn, then those that the buyer has
        not seen, which can be sold again."""
        codes = repository.lock_refundable(session, order_id=line.order_id, units=units)
        if len(codes) != units:
            raise StockMismatch(f"{len(codes)} of {units} codes")
        lost = {code.id for code in codes if code.is_withdrawn or code.seen_at is not None}
        repository.revoke_refunded(session, lost, now=clock.now())
        repository.release_codes(session, [code.id for code in codes if code.id not in lost])
        released = units - len(lost)
        revoked = CodesRevoked(
            aggregate_id=line.order_id,
            order_number=line.order_number,
            merchant_id=line.merchant_id,
            product_id=line.product_id,
            released=released,
            lost=len(lost),
        )
        events.record(session, [revoked])
        return released

    def list_codes(self, session: Session, line: OrderLine) -> Sequence[str]:
        # First, so that no code is released to another buyer while it is read.
        repository.mark_seen(session, order_id=line.order_id, now=clock.now())
        rows = repository.list_codes_of_order(session, line.order_id)
        return [decrypt_code(row.encrypted, code_id=row.id) for row in rows]

    def render(self, session: Session, line: OrderLine, *, base_url: str) -> dict[str, Any]:
        """The buyer's codes in order, marked as seen from now on."""
        codes = self.list_codes(session, line)
        revoked = list_revoked_codes(session, line.order_id)
        return {
            "codes": codes,
            "revokedCodes": [revoked_code_out(code) for code in revoked],
        }
