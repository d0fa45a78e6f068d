"""SQL of orders."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, insert, or_, select
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.bulk import BulkInsert, Write, lock_rows, send_rows, write
from app.common.driver import send, uuid_array
from app.common.id_ranges import Lead, equal, leading, paginate_newest
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_due
from app.common.time_range import ANY_TIME, TimeRange
from app.orders.models import (
    Checkout,
    Order,
    OrderPageAddress,
    OrderStatus,
    PaymentMethod,
    Refund,
    RefundRequest,
    RefundStatus,
)
from app.products.models import Product, ProductKind

_INSERT = BulkInsert(Order)


def insert_orders(session: Session, orders: Iterable[Order]) -> None:
    """orders: of the class OrderRow."""
    write(session, Write(_INSERT, orders))


def draw_numbers(session: Session, count: int) -> Iterable[Any]:
    """Send the statement that draws so many numbers for new orders: rows with `number`."""
    draw = "SELECT new_order_number() AS number FROM generate_series(1, %(count)s)"
    return send(session, draw, {"count": count})


_UNITS = """
    SELECT o.user_id, o.product_id, sum(o.quantity - o.refunded_units) AS units
    FROM orders o
    WHERE (o.product_id, o.user_id) IN (
            SELECT w.product_id, w.user_id
            FROM json_to_recordset(CAST(%(rows)s AS json)) AS w (product_id uuid, user_id uuid)
        ) AND o.status IN ('PENDING', 'PAYMENT_PROCESSING', 'COMPLETED')
    GROUP BY o.user_id, o.product_id
"""


def count_units(session: Session, wanted: Sequence[object]) -> dict[tuple[UUID, UUID], int]:
    """Units that buyers own, by buyer and product. wanted: rows of product_id and user_id."""
    rows = send_rows(session, _UNITS, wanted)
    return {(row.user_id, row.product_id): int(row.units) for row in rows}


def _select_details() -> Any:
    return (
        select(Order, Product, User)
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.user_id)
    )


def get_order_for(session: Session, *, order_id: UUID, user_id: UUID, lock: bool = False) -> Any:
    """The order with product and buyer, if the user bought or sold it. lock: lock the order."""
    query = _select_details().where(
        Order.id == order_id, or_(Order.user_id == user_id, Order.merchant_id == user_id)
    )
    if lock:
        query = query.with_for_update(of=Order, key_share=True)
    return session.execute(query).one_or_none()


def get_order_page(session: Session, order_id: UUID, *, lock: bool) -> Any:
    """The order with product, merchant (User), checkout if it has one, and the `serial` of its
    page's address; None if there is none. lock: lock the order, so that it can be delivered."""
    query = (
        select(
            Order,
            Product,
            User,
            Checkout,
            func.coalesce(OrderPageAddress.serial, 0).label("serial"),
        )
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.merchant_id)
        .outerjoin(Checkout, Checkout.order_id == Order.id)
        .outerjoin(OrderPageAddress, OrderPageAddress.order_id == Order.id)
        .where(Order.id == order_id)
    )
    if lock:
        query = query.with_for_update(of=Order, key_share=True)
    return session.execute(query).one_or_none()


def get_page_serial(session: Session, order_id: UUID) -> int:
    """How often the address of the order's page was revoked."""
    found = session.get(OrderPageAddress, order_id)
    return found.serial if found else 0


def set_page_serial(session: Session, *, order_id: UUID, serial: int) -> None:
    session.merge(OrderPageAddress(order_id=order_id, serial=serial))
    session.flush()


def list_orders(
    session: Session,
    page: PageRequest,
    *,
    buyer_id: UUID,
    status: str | None = None,
    number: str | None = None,
    within: TimeRange = ANY_TIME,
) -> Page[Any]:
    """A buyer's orders with product and buyer, newest first.

    status: only those of this status; number: only the one with this number; within: only those
    created within that time.
    """
    by_buyer: Lead = {Order.user_id: buyer_id}
    lead, where = leading(by_buyer) if number is None else ({}, equal(by_buyer))
    return paginate_newest(
        session,
        page,
        _select_details(),
        Order.id,
        created_at=Order.created_at,
        within=within,
        lead=lead,
        where=where + equal({Order.number: number, Order.status: status}),
    )


def get_product_id(
    session: Session, *, order_id: UUID, merchant_id: UUID | None = None
) -> UUID | None:
    """The product of an order, which never changes. merchant_id: only of this merchant's orders."""
    query = select(Order.product_id).where(Order.id == order_id)
    if merchant_id is not None:
        query = query.where(Order.merchant_id == merchant_id)
    return session.scalar(query)


def get_order(session: Session, *, order_id: UUID, merchant_id: UUID | None) -> Order | None:
    """An order, not locked. merchant_id: only of this merchant's products."""
    query = select(Order).where(Order.id == order_id)
    if merchant_id is not None:
        query = query.where(Order.merchant_id == merchant_id)
    return session.scalar(query)


def get_parties(session: Session, order_id: UUID) -> Any:
    """`user_id`, the buyer, and `merchant_id` of an order, or None."""
    return session.execute(
        select(Order.user_id, Order.merchant_id).where(Order.id == order_id)
    ).one_or_none()


def lock_order(session: Session, order_id: UUID) -> Order:
    return session.get_one(
        Order, order_id, with_for_update={"key_share": True}, populate_existing=True
    )


_INSERT_REFUNDS = BulkInsert(Refund)


def insert_refunds(session: Session, refunds: Iterable[Refund]) -> None:
    """refunds: of the class RefundRow."""
    write(session, Write(_INSERT_REFUNDS, refunds))


def query_for_update(session: Session, order_ids: Iterable[UUID]) -> Iterable[Any]:
    """The orders, locked in id order, with the attributes of the model."""
    return lock_rows(session, Order, order_ids)


_UPDATE_REFUNDED = """
    UPDATE orders AS o
    SET status = new.status, refunded_amount = new.refunded_amount,
        refunded_fee = new.refunded_fee, refunded_units = new.refunded_units,
        restored_units = new.restored_units, updated_at = new.updated_at
    FROM json_to_recordset(CAST(%(rows)s AS json))
        AS new (id uuid, status text, refunded_amount bigint, refunded_fee bigint,
            refunded_units bigint, restored_units bigint, updated_at timestamptz)
    WHERE o.id = new.id
"""


def update_refunded(session: Session, orders: Iterable[Order]) -> None:
    """Write what refunds have changed. orders: of the class OrderRow."""
    write(session, Write(_UPDATE_REFUNDED, orders))


def get_plain_product_id(session: Session, *, order_id: UUID, merchant_id: UUID) -> UUID | None:
    """The product of a merchant's order, if it is one without goods to revoke and was paid from a
    wallet. None of this ever changes."""
    query = select(Order.product_id).join(Product, Product.id == Order.product_id)
    return session.scalar(
        query.where(
            Order.id == order_id,
            Order.merchant_id == merchant_id,
            Order.payment_method == PaymentMethod.WALLET.value,
            Product.kind == ProductKind.PLAIN.value,
        )
    )


def list_refunds(session: Session, page: PageRequest, *, order_id: UUID) -> Page[Refund]:
    """The refunds of an order, oldest first."""
    query = select(Refund).where(Refund.order_id == order_id)
    return paginate(session, page, query, Refund.id, descending=False)


def insert_refund_request(session: Session, refund_request: RefundRequest) -> None:
    insert_row(session, refund_request)


def get_refund_request_for_update(
    session: Session, refund_request_id: UUID, **whose: UUID
) -> RefundRequest | None:
    """whose: merchant_id or user_id."""
    query = (
        select(RefundRequest)
        .filter_by(id=refund_request_id, **whose)
        .with_for_update(key_share=True)
    )
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def list_refund_requests(
    session: Session,
    page: PageRequest,
    *,
    user_id: UUID,
    role: str | None,
    order_id: UUID | None,
    status: str | None,
) -> Page[Any]:
    """Requests that the user made or received, each with the number of its order, newest first.

    role: only as buyer or merchant; order_id: only of this order; status: only with this one.
    """
    mine = RefundRequest.user_id == user_id
    to_me = RefundRequest.merchant_id == user_id
    wanted = {"buyer": mine, "merchant": to_me, None: or_(mine, to_me)}[role]
    if order_id is not None:
        wanted = and_(wanted, RefundRequest.order_id == order_id)
    if status is not None:
        wanted = and_(wanted, RefundRequest.status == status)
    return paginate(
        session,
        page,
        select(RefundRequest, Order.number)
        .join(Order, Order.id == RefundRequest.order_id)
        .where(wanted),
        RefundRequest.id,
        count=select(RefundRequest.id).where(wanted),
    )


def get_order_by_key(session: Session, *, user_id: UUID, key: str) -> Any:
    """The order that was created with an Idempotency-Key, and its checkout, if any."""
    return session.execute(
        select(Order, Checkout)
        .outerjoin(Checkout, Checkout.order_id == Order.id)
        .where(Order.user_id == user_id, Order.idempotency_key == key)
    ).one_or_none()


def insert_checkout(session: Session, **values: Any) -> None:
    session.execute(insert(Checkout).values(**values))


def get_payable_order(session: Session, order_id: UUID) -> Any:
    """An order that is paid at the gateway, with its checkout and product, or None."""
    return session.execute(
        select(Order, Checkout, Product.name, Product.kind, User.email)
        .join(Checkout, Checkout.order_id == Order.id)
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.user_id)
        .where(Order.id == order_id)
    ).one_or_none()


def lock_due_checkouts(session: Session, *, now: datetime, limit: int) -> Sequence[Checkout]:
    return lock_due(session, Checkout.next_attempt_at, now=now, limit=limit)


def lock_due_refunds(session: Session, *, now: datetime, limit: int) -> Sequence[Refund]:
    # The partial index contains pending refunds only, and only these can be due.
    pending = Refund.status == RefundStatus.PENDING.value
    return lock_due(session, Refund.next_attempt_at, pending, now=now, limit=limit)


def get_refund(session: Session, refund_id: UUID) -> Any:
    """The refund, with number, buyer and payment of its order, or None."""
    return session.execute(
        select(
            Refund,
            Order.number,
            Order.user_id,
            Order.payment_method,
            Order.stripe_payment_intent_id,
        )
        .join(Order, Order.id == Refund.order_id)
        .where(Refund.id == refund_id)
    ).one_or_none()


def lock_refund(session: Session, refund_id: UUID) -> Refund:
    return session.get_one(
        Refund, refund_id, with_for_update={"key_share": True}, populate_existing=True
    )


def get_buyer_id(session: Session, order_id: UUID) -> UUID:
    return session.execute(select(Order.user_id).where(Order.id == order_id)).scalar_one()


def get_number(session: Session, order_id: UUID) -> str:
    return session.execute(select(Order.number).where(Order.id == order_id)).scalar_one()


_NUMBERS = """
    SELECT id, number FROM orders WHERE id = ANY(%(ids)s::uuid[])
    UNION ALL
    SELECT r.id, o.number FROM refunds r JOIN orders o ON o.id = r.order_id
    WHERE r.id = ANY(%(ids)s::uuid[])
"""


def get_numbers(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The numbers of orders, by the ids of orders and of refunds."""
    rows = send(session, _NUMBERS, {"ids": uuid_array(ids)})
    return {row.id: row.number for row in rows}


def get_reservations(
    session: Session, *, user_id: UUID, product_id: UUID, coupon_id: UUID | None
) -> Any:
    """What a buyer has reserved and not paid: `orders`, `units` of the product and `coupon_uses`
    of the coupon."""
    units = func.sum(Order.quantity).filter(Order.product_id == product_id)
    return session.execute(
        select(
            func.count().label("orders"),
            func.coalesce(units, 0).label("units"),
            func.count().filter(Order.coupon_id == coupon_id).label("coupon_uses"),
        ).where(Order.user_id == user_id, Order.status == OrderStatus.PENDING.value)
    ).one()


# A decision does not know its order. While it was made, the wallet of its buyer was locked, and the
# order was stamped just before: so it is the last one that is not younger.
_SCREENED: Final = """
    SELECT d.id, o.status, o.refunded_amount + o.refunded_units > 0 AS is_refunded
    FROM jsonb_to_recordset(%(attempts)s::jsonb) AS d (
        id uuid, user_id uuid, payee_id uuid, amount bigint, currency text,
        created_at timestamptz, first_id uuid, last_id uuid, result_id uuid)
    CROSS JOIN LATERAL (
        SELECT status, refunded_amount, refunded_units FROM orders WHERE id = d.result_id
        UNION ALL (
            SELECT status, refunded_amount, refunded_units FROM orders
            WHERE d.result_id IS NULL AND user_id = d.user_id
                AND id BETWEEN d.first_id AND d.last_id AND merchant_id = d.payee_id
                AND amount = d.amount AND currency = d.currency AND payment_method = 'WALLET'
                AND created_at <= d.created_at
            ORDER BY created_at DESC, id DESC LIMIT 1
        )
    ) o
"""


def list_screened(session: Session, attempts: str) -> Sequence[Any]:
    """The status of the orders of screened purchases, and whether they are refunded at least in
    part. attempts: as of `past.as_json`."""
    return send(session, _SCREENED, {"attempts": attempts}).fetchall()
