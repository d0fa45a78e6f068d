"""SQL of payment requests and merchant codes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.bulk import Write, lock_rows, write
from app.common.driver import send, uuid_array
from app.common.pagination import Page, PageRequest, paginate, paginate_union
from app.common.rows import insert_row, lock_due, lock_row
from app.payment_requests.models import MerchantCode, PaymentRequest, RequestStatus
from app.products.models import Product
from app.transfers.models import Transfer


def insert_request(session: Session, request: PaymentRequest) -> None:
    insert_row(session, request)


def count_open_requests(session: Session, *, requester_id: UUID, limit: int | None) -> int:
    """The number of open requests of the requester, up to `limit`."""
    # A literal, so that the planner can prove that the partial index applies.
    is_open = text("status = 'OPEN'")
    found = select(PaymentRequest.id).where(PaymentRequest.requester_id == requester_id, is_open)
    return session.scalar(select(func.count()).select_from(found.limit(limit).subquery())) or 0


def count_active_codes(session: Session, *, merchant_id: UUID, limit: int | None) -> int:
    """The number of the merchant's active codes, up to `limit`."""
    found = select(MerchantCode.id).where(
        MerchantCode.merchant_id == merchant_id, MerchantCode.is_active
    )
    return session.scalar(select(func.count()).select_from(found.limit(limit).subquery())) or 0


def lock_request(session: Session, request_id: UUID) -> PaymentRequest:
    """A request that exists, as it is now, locked."""
    return session.get_one(
        PaymentRequest, request_id, with_for_update={"key_share": True}, populate_existing=True
    )


def query_requests_for_update(session: Session, request_ids: Iterable[UUID]) -> Iterable[Any]:
    """The requests, locked in id order, with the attributes of the model."""
    return lock_rows(session, PaymentRequest, request_ids)


_CLOSE_PAID = """
    UPDATE payment_requests AS r
    SET status = 'PAID', amount = new.amount, transfer_id = new.transfer_id,
        closed_at = greatest(new.closed_at, r.created_at)
    FROM json_to_recordset(CAST(%(rows)s AS json))
        AS new (id uuid, amount bigint, transfer_id uuid, closed_at timestamptz)
    WHERE r.id = new.id
"""


def close_paid(session: Session, paid: Iterable[object]) -> None:
    """Close requests as paid. paid: with id, amount in minor units, transfer_id and closed_at."""
    write(session, Write(_CLOSE_PAID, paid))


def get_request_of(session: Session, *, request_id: UUID, user_id: UUID) -> PaymentRequest | None:
    """The request, if the user is its requester or its payer, or has paid it."""
    return session.scalar(
        select(PaymentRequest)
        .outerjoin(Transfer, Transfer.id == PaymentRequest.transfer_id)
        .where(
            PaymentRequest.id == request_id,
            or_(
                PaymentRequest.requester_id == user_id,
                PaymentRequest.payer_id == user_id,
                Transfer.sender_id == user_id,
            ),
        )
    )


def get_request(session: Session, request_id: UUID) -> PaymentRequest | None:
    return session.get(PaymentRequest, request_id)


def get_request_by_token(session: Session, token: str) -> PaymentRequest | None:
    return session.scalar(select(PaymentRequest).where(PaymentRequest.token == token))


def list_requests(
    session: Session, page: PageRequest, *, user_id: UUID, as_requester: bool, as_payer: bool
) -> Page[PaymentRequest]:
    """Requests of which the user is the requester, the payer, or either, newest first."""
    # Each role has its own index, and no user is both.
    roles = []
    if as_requester:
        roles.append(select(PaymentRequest).where(PaymentRequest.requester_id == user_id))
    if as_payer:
        roles.append(select(PaymentRequest).where(PaymentRequest.payer_id == user_id))
    return paginate_union(session, page, roles, PaymentRequest.id)


def lock_expired(session: Session, *, now: datetime, limit: int) -> Sequence[PaymentRequest]:
    """Expired open requests, locked, except those that another transaction has locked."""
    is_open = PaymentRequest.status == RequestStatus.OPEN
    return lock_due(session, PaymentRequest.expires_at, is_open, now=now, limit=limit)


def insert_code(session: Session, code: MerchantCode) -> None:
    insert_row(session, code)


def _select_details() -> Any:
    return (
        select(MerchantCode, User, Product)
        .join(User, User.id == MerchantCode.merchant_id)
        .outerjoin(Product, Product.id == MerchantCode.product_id)
    )


def get_code_by_token(session: Session, token: str) -> Any:
    """The code with its merchant and product."""
    return session.execute(_select_details().where(MerchantCode.token == token)).one_or_none()


def get_active_token(session: Session, *, merchant_id: UUID, product_id: UUID) -> str | None:
    """The token of the merchant's newest active code for a product."""
    return session.scalar(
        select(MerchantCode.token)
        .where(
            MerchantCode.merchant_id == merchant_id,
            MerchantCode.product_id == product_id,
            MerchantCode.is_active,
        )
        .order_by(MerchantCode.id.desc())
        .limit(1)
    )


def get_code_of(session: Session, *, code_id: UUID, merchant_id: UUID) -> Any:
    """The code with its merchant and product, if it is the merchant's."""
    return session.execute(
        _select_details().where(MerchantCode.id == code_id, MerchantCode.merchant_id == merchant_id)
    ).one_or_none()


def lock_code(session: Session, code_id: UUID) -> MerchantCode | None:
    return lock_row(session, MerchantCode, code_id)


def query_codes_for_share(session: Session, code_ids: Iterable[UUID]) -> Iterable[Any]:
    """The codes, locked against changes, with `merchant_is_active`."""
    return send(session, _SHARE_CODES, {"ids": uuid_array(code_ids)})


_SHARE_CODES = """
    SELECT c.id, c.merchant_id, c.product_id, c.amount, c.currency, c.label, c.is_active,
        u.is_active AS merchant_is_active
    FROM merchant_codes c JOIN users u ON u.id = c.merchant_id
    WHERE c.id = ANY(%(ids)s) ORDER BY c.id FOR SHARE OF c
"""


def list_codes(session: Session, page: PageRequest, *, merchant_id: UUID) -> Page[Any]:
    """The merchant's codes with merchant and product, newest first."""
    mine = MerchantCode.merchant_id == merchant_id
    query = _select_details().where(mine)
    return paginate(
        session, page, query, MerchantCode.id, count=select(MerchantCode.id).where(mine)
    )
