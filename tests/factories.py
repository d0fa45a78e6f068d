"""Factories of users, API keys and products."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.api_keys import service as api_keys
from app.auth.http import access_token
from app.auth.models import Role, User
from app.auth.scopes import Scope
from app.auth.service import Caller
from app.auth.tokens import token_rules
from app.auth.two_factor.service import SecondFactor
from app.common.db import transaction
from app.ledger_lock.service import acquire_ledger_lock
from app.products import service as products
from app.wallets.deposits import Deposit
from app.wallets.models import Wallet
from app.wallets.movements import service as movements
from app.wallets.movements.movement import Movement, Result

PASSWORD = "correct-horse-1"
#: The bcrypt hash of PASSWORD with cost 4, so that creating a user is fast.
PASSWORD_HASH = "$2b$04$7OZyro6KKEe.N7mR7GQwS.hqq4Hmzlnu3eLh4iCvBVy5.L5hQVVH6"

#: A second factor of a request without a code, which is not asked for either.
NO_CODE = SecondFactor(above=Decimal(10**9))

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Actor:
    """A signed-in user."""

    id: UUID
    email: str
    session_id: UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@contextmanager
def ledger_session() -> Iterator[Session]:
    """A transaction that holds the ledger lock, without retries."""
    with transaction(serializable=True) as session:
        acquire_ledger_lock(session)
        yield session


def execute(session: Session, movement: Movement[Any, Result], user_id: UUID) -> Result:
    """Execute a movement of this user. Raises the error that refuses it."""
    user = auth.require_user(session, user_id)
    return movements.perform(session, movement, Caller(user.id, user.email, user.role))


def as_owner(session: Session, statement: str) -> None:
    """Run a statement for which the application lacks the privilege, in the same transaction."""
    session.execute(text("SELECT as_owner(:statement)"), {"statement": statement})


def register(session: Session, *, role: str, **values: Any) -> User:
    """As `auth.register`, but for administrators as well, whom only the owner creates."""
    if role != Role.ADMIN:
        return _register(session, role=role, **values)
    user = _register(session, role=Role.USER, **values)
    as_owner(session, f"UPDATE users SET role = 'ADMIN' WHERE id = '{user.id}'")
    session.refresh(user)
    return user


_register = auth.register


def actor(
    role: str = Role.USER,
    *,
    balance: str | None = None,
    phone: str | None = None,
    is_verified: bool = True,
) -> Actor:
    """Create a signed-in user. balance: in USD; is_verified: whether address and number are.

    Requires an application context.
    """
    email = f"{role.lower()}-{next(_numbers)}@example.com"
    with transaction() as session:
        user = register(
            session,
            email=email,
            phone=phone,
            password_hash=PASSWORD_HASH,
            role=role,
            is_verified=is_verified,
        )
        sign_in = auth.sign_in(
            session,
            user_id=user.id,
            device=auth.Device(),
            rules=token_rules(),
        )
        if balance is not None:
            acquire_ledger_lock(session)
            execute(session, Deposit(Decimal(balance), "USD", maximum=Decimal(balance)), user.id)
    token = access_token(user_id=user.id, session_id=sign_in.session_id, role=role, email=email)
    return Actor(user.id, email, sign_in.session_id, token)


def merchant() -> Actor:
    return actor(Role.MERCHANT)


def buyer(balance: str = "100.00") -> Actor:
    return actor(Role.USER, balance=balance)


def admin() -> Actor:
    return actor(Role.ADMIN)


@dataclass(frozen=True)
class Key:
    """An API key of a merchant."""

    id: UUID
    text: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}


def api_key(owner: Actor, *scopes: Scope, expires_at: datetime | None = None) -> Key:
    """Create a key of the merchant. scopes: default all."""
    with transaction() as session:
        made, text = api_keys.create_key(
            session,
            user_id=owner.id,
            by_session=owner.session_id,
            name="Shop server",
            scopes=scopes or list(Scope),
            expires_at=expires_at,
            live=False,
        )
    return Key(made.id, text)


def wallet(session: Session, user_id: UUID) -> Wallet:
    return session.scalars(select(Wallet).where(Wallet.user_id == user_id)).one()


def product(seller: Actor, *, price: str = "10.00", units: int = 5, name: str = "Course") -> UUID:
    """Create a product on sale. price: in USD."""
    with transaction() as session:
        offer = products.create(
            session,
            merchant=auth.require_user(session, seller.id),
            name=name,
            price=Decimal(price),
            available_units=units,
            currency="USD",
        )
    return offer.product.id
