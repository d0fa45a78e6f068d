"""SQL of payment requests and merchants' codes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from app.auth.models import User
from app.payment_requests.models import MerchantCode, PaymentRequest, RequestStatus
from app.products.models import Product
from app.transfers.models import Transfer


def insert_request(session: Session, request: PaymentRequest) -> None:
    session.add(request)
    session.flush()


def get_request_for_update(session: Session, request_id: UUID) -> PaymentRequest | None:
    return session.get(
        PaymentRequest, request_id, with_for_update={"key_share": True}, populate_existing=True
    )


def get_request_of(session: Session, *, request_id: UUID, user_id: UUID) -> PaymentRequest | None:
    """The request, if `user_id` made it, is asked by it or has paid it."""
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


def get_request_by_token(session: Session, token: str) -> PaymentRequest | None:
    return session.scalar(select(PaymentRequest).where(PaymentRequest.token == token))


def _sides(user_id: UUID, *, made: bool, asked: bool) -> list[Select[PaymentRequest]]:
    """One query for each role, because each has an index of its own."""
    sides = []
    if made:
        sides.append(select(PaymentRequest).where(PaymentRequest.requester_id == user_id))
    if asked:
        sides.append(select(PaymentRequest).where(PaymentRequest.payer_id == user_id))
    return sides


def requests_of(
    session: Session,
    *,
    user_id: UUID,
    made: bool,
    asked: bool,
    limit: int,
    offset: int,
    below: UUID | None,
) -> Sequence[PaymentRequest]:
    """Newest first. below: only those with a smaller id.

    Each role is read no further than the page goes, and nobody asks themselves, so together they
    hold every row of the page once.
    """
    newest = []
    for side in _sides(user_id, made=made, asked=asked):
        if below is not None:
            side = side.where(PaymentRequest.id < below)
        newest.append(
            side.order_by(PaymentRequest.id.desc()).limit(offset + limit).subquery().select()
        )
    found = aliased(PaymentRequest, union_all(*newest).subquery())
    query = select(found).order_by(found.id.desc())
    return session.scalars(query.limit(limit).offset(offset)).all()


def count_requests(session: Session, *, user_id: UUID, made: bool, asked: bool) -> int:
    sides = _sides(user_id, made=made, asked=asked)
    return sum(
        session.scalar(select(func.count()).select_from(side.subquery())) or 0 for side in sides
    )


def lock_expired(session: Session, *, now: datetime, limit: int) -> Sequence[PaymentRequest]:
    """Open requests past their time that nobody else is working on, locked."""
    return session.scalars(
        select(PaymentRequest)
        .where(PaymentRequest.status == RequestStatus.OPEN, PaymentRequest.expires_at <= now)
        .order_by(PaymentRequest.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()


def insert_code(session: Session, code: MerchantCode) -> None:
    session.add(code)
    session.flush()


def _with_names() -> Any:
    return (
        select(MerchantCode, User, Product)
        .join(User, User.id == MerchantCode.merchant_id)
        .outerjoin(Product, Product.id == MerchantCode.product_id)
    )


def get_code_by_token(session: Session, token: str) -> Any:
    """The code with its merchant and product."""
    return session.execute(_with_names().where(MerchantCode.token == token)).one_or_none()


def get_code_of(session: Session, *, code_id: UUID, merchant_id: UUID) -> Any:
    """The code with its merchant and product, if it is the merchant's."""
    return session.execute(
        _with_names().where(MerchantCode.id == code_id, MerchantCode.merchant_id == merchant_id)
    ).one_or_none()


def lock_code(session: Session, code_id: UUID, *, to_change: bool) -> MerchantCode | None:
    """to_change: alone; otherwise in company, so that many can pay at the same moment."""
    lock = {"key_share": True} if to_change else {"read": True}
    return session.get(MerchantCode, code_id, with_for_update=lock, populate_existing=True)


def codes_of(
    session: Session, *, merchant_id: UUID, limit: int, offset: int, below: UUID | None
) -> Sequence[Any]:
    """The merchant's codes with merchant and product, newest first."""
    query = _with_names().where(MerchantCode.merchant_id == merchant_id)
    if below is not None:
        query = query.where(MerchantCode.id < below)
    query = query.order_by(MerchantCode.id.desc())
    return session.execute(query.limit(limit).offset(offset)).all()


def count_codes(session: Session, *, merchant_id: UUID) -> int:
    query = select(func.count()).where(MerchantCode.merchant_id == merchant_id)
    return session.scalar(query) or 0
