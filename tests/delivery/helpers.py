"""Products of every delivery kind, and orders for them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.auth import service as auth
from app.common import db
from app.delivery import service as delivery
from app.delivery.handler import OrderLine
from app.ledger_lock.service import ledger_transaction
from app.orders.purchases.pricing import Basket
from app.orders.purchases.purchase import WalletPurchase
from app.orders.refunds import service as refunds
from app.products import service as products
from app.products.models import ProductKind
from tests import factories
from tests.factories import Actor

#: Why a merchant revokes a code or licence.
REASON = {"reason": "The key was published"}
UNKNOWN = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"


def product(seller: Actor, kind: ProductKind, *, price: str = "1.00", units: int = 0) -> UUID:
    """Create a product of that kind."""
    with db.transaction() as session:
        offer = products.create(
            session,
            merchant=auth.require_user(session, seller.id),
            name="Voucher",
            price=Decimal(price),
            available_units=units,
            currency="USD",
            kind=kind,
        )
    return offer.product.id


def bought(buyer: Actor, product_id: UUID, quantity: int = 1) -> OrderLine:
    """A completed order."""
    with factories.ledger_session() as session:
        purchase = WalletPurchase(Basket(product_id, quantity), factories.NO_CODE, fee_bps=0)
        receipt = factories.execute(session, purchase, buyer.id)
        kind = products.require_product(session, product_id=product_id).product.kind
    return OrderLine(
        receipt.order.id,
        receipt.order.number,
        product_id,
        kind,
        quantity,
        receipt.order.merchant_id,
    )


def delivered(line: OrderLine) -> dict[str, Any]:
    """What was delivered for an order, as its buyer sees it."""
    with db.transaction() as session:
        handler = delivery.HANDLERS[line.kind]
        return handler.render(session, line, base_url="http://localhost:3000")


def refund_units(line: OrderLine, units: int) -> int:
    """Refund units. Returns how many of them can be sold again."""

    def refund(session: Session) -> int:
        merchant = products.require_product(session, product_id=line.product_id).merchant
        return refunds.create_refund(
            session,
            merchant_id=merchant.id,
            by=merchant.id,
            order_id=line.order_id,
            units=units,
        ).refund.restored_units

    return ledger_transaction(refund)


def revoke_units(line: OrderLine, units: int) -> int:
    """Revoke units without a refund. Returns how many of them can be sold again."""
    with db.transaction() as session:
        return delivery.revoke(session, line, units=units)


def order(client: FlaskClient, buyer: Actor, product_id: UUID, quantity: int = 1) -> TestResponse:
    """Place an order over HTTP."""
    body = {"productId": str(product_id), "paymentMethod": "WALLET", "quantity": quantity}
    return client.post("/api/v1/orders", json=body, headers=buyer.headers)


def get_delivery(client: FlaskClient, buyer: Actor, order_id: str) -> TestResponse:
    """Retrieve the delivery of an order over HTTP."""
    return client.get(f"/api/v1/orders/{order_id}/delivery", headers=buyer.headers)


def audited() -> list[tuple[str, str | None]]:
    """Actions of the audit log with their reasons."""
    with db.transaction() as session:
        rows = session.scalars(select(AuditRecord).order_by(AuditRecord.id)).all()
    return [(row.action, row.reason) for row in rows]
