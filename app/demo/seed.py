"""Loads the demo data: accounts, a catalogue, and a history of orders, deposits and withdrawals.

It calls the services that the HTTP endpoints use. One transaction creates all accounts and
products; then each step of the history runs in its own transaction, with its own idempotency key if
it moves money. The administrator is created last and marks the demo as complete. So the next run
completes an interrupted one, and no step runs twice.
"""

import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import passwords
from app.auth import service as auth
from app.auth.errors import EmailTaken
from app.auth.models import Role, User
from app.auth.service import Caller
from app.auth.two_factor.service import SecondFactor
from app.common import db
from app.common.errors import AppError
from app.common.examples import EXAMPLE_ID
from app.common.fair_executor import Turn
from app.common.money import Money
from app.common.pagination import PageRequest
from app.common.settings import COMMAND, Settings, SettingsError
from app.coupons import service as coupons
from app.coupons.models import CouponKind
from app.delivery.codes import uploads
from app.delivery.codes.parser import ParsedCode
from app.demo.catalogue import CATEGORIES, COUPON, EXAMPLE, OWNERS, PASSWORD, PRODUCTS, SHOPS
from app.demo.history import DeactivatedProduct, Deposit, PlacedOrder, Step, Withdrawal, history
from app.demo.people import ADMIN, BUYERS, Person
from app.demo.shops.shop import DemoProduct, Shop
from app.ledger_lock.service import ledger_transaction
from app.orders.purchases.pricing import Basket
from app.orders.purchases.purchase import WalletPurchase
from app.products import service as products
from app.products.categories import service as categories
from app.products.models import ProductKind
from app.products.service import Offer
from app.shops import service as shops
from app.wallets import deposits
from app.wallets.movements.movement import Movement
from app.wallets.movements.service import perform

CREDENTIALS_FILE: Final = "demo-logins.txt"

#: Violated when a movement of money has been made before with the same key.
_KEY_INDEX: Final = "uq_journal_entries_key"
_PROGRESS_AFTER_SECONDS: Final = 1.0
#: No demo account has a second factor, and the history is written within seconds.
_NO_CODE: Final = SecondFactor(above=Decimal(10**9))
_SHUFFLE_SEED: Final = 7


def seed(settings: Settings, *, if_empty: bool) -> None:
    """Load the demo data and print the credentials.

    if_empty: do nothing, silently, if there are products already, unless they are those of an
    interrupted run. Raises SettingsError in production, and if another process is loading the demo
    data.
    """
    if settings.is_production:
        raise SettingsError(
            "Demo data is refused in production, because its password is public "
            f"(`{COMMAND} up --no-demo` starts without it)."
        )
    with db.transaction() as session:
        complete = _has_account(session, ADMIN)
        if if_empty and (
            complete or (_has_products(session) and not _has_account(session, BUYERS[0]))
        ):
            return
    if complete:
        click.echo("The demo data is already loaded; nothing was changed.")
        return
    try:
        ordered = _load(settings)
    except EmailTaken:
        raise SettingsError("Another process is loading the demo data.") from None
    credentials = _credentials()
    if settings.data_dir is not None:
        _write_private(credentials, settings.data_dir / CREDENTIALS_FILE)
    click.echo(
        f"Demo data loaded: {len(SHOPS)} shops, {len(PRODUCTS)} products, {len(BUYERS)} buyers, "
        f"{ordered} orders.\n\n{credentials}",
        nl=False,
    )


def _has_account(session: Session, person: Person) -> bool:
    return auth.get_user_by_email(session, email=person.email) is not None


def _has_products(session: Session) -> bool:
    return products.list_on_sale(session, PageRequest(limit=1), sort="newest").total > 0


@dataclass(frozen=True, slots=True)
class _DemoData:
    """The users and products of the demo. products: ids by name."""

    users: dict[Person, User]
    products: dict[str, UUID]


def _load(settings: Settings) -> int:
    """Load the missing part of the demo. Returns the number of orders in its history."""
    # Once for all accounts and before the transaction, because hashing is slow.
    password_hash = passwords.hash_password(
        PASSWORD, rounds=settings.bcrypt_rounds, turn=Turn("command")
    )
    with db.transaction() as session:
        data = _create_shops(session, settings, password_hash=password_hash)
    ordered = 0
    for number, step in enumerate(_with_progress_bar(history()), start=1):
        is_done = _run_step(settings, data, step, key=f"demo-history-{number}")
        ordered += is_done and isinstance(step, PlacedOrder)
    with db.transaction() as session:
        _get_or_register(session, ADMIN, role=Role.ADMIN, password_hash=password_hash)
    return ordered


def _create_shops(session: Session, settings: Settings, *, password_hash: str) -> _DemoData:
    """Get or create all categories, merchants with their products, and buyers."""
    data = _DemoData({}, {})
    for buyer in BUYERS:
        data.users[buyer] = _get_or_register(
            session, buyer, role=Role.USER, password_hash=password_hash
        )
    existing = categories.get_ids(session, CATEGORIES)
    for slug in CATEGORIES.keys() - existing.keys():
        categories.create(session, actor_id=None, slug=slug, name=CATEGORIES[slug])
    to_create: list[tuple[User, Shop, DemoProduct]] = []
    for shop in SHOPS:
        merchant = data.users[shop.owner] = _get_or_register(
            session, shop.owner, role=Role.MERCHANT, password_hash=password_hash
        )
        # The email address contains the name of the shop.
        auth.change_profile(session, user_id=merchant.id, email_public=True)
        shops.update(
            session, merchant_id=merchant.id, shop_name=shop.name, support_email=shop.owner.email
        )
        for offer in _products_of(session, merchant):
            data.products[offer.product.name] = offer.product.id
        missing = [product for product in shop.products if product.name not in data.products]
        to_create += [(merchant, shop, product) for product in missing]
        _create_coupon(session, merchant, currency=settings.default_currency)
    # Shuffled, so that the first page of the list shows products of every shop.
    random.Random(_SHUFFLE_SEED).shuffle(to_create)  # noqa: S311 – reproducible on purpose, guards nothing
    for merchant, shop, product in to_create:
        kind = product.kind or shop.kind
        offer = products.create(
            session,
            merchant=merchant,
            name=product.name,
            description=product.description,
            price=_units(product.price, settings),
            available_units=0 if kind.has_uploaded_stock else product.units,
            currency=settings.default_currency,
            kind=kind,
            category=shop.category,
            product_id=UUID(EXAMPLE_ID) if product is EXAMPLE else None,
        )
        data.products[product.name] = offer.product.id
        if kind is ProductKind.CODES:
            _add_codes(session, merchant, offer.product.id, product.units)
    return data


def _add_codes(session: Session, merchant: User, product_id: UUID, units: int) -> None:
    lines = range(1, units + 1)
    parsed = [ParsedCode(line, f"DEMO-{line:04}-{line * 7919 % 10_000:04}") for line in lines]
    codes = uploads.encrypt_codes(parsed, product_id=product_id)
    uploads.add_codes(session, merchant=merchant, product_id=product_id, codes=codes)


def _products_of(session: Session, merchant: User) -> Sequence[Offer]:
    everything = PageRequest(limit=10_000)
    found = products.list_by_merchant(session, everything, merchant=merchant, include_deleted=True)
    return found.data


def _create_coupon(session: Session, merchant: User, *, currency: str) -> None:
    """Ten percent off, once per buyer, unless the merchant has coupons already."""
    if coupons.list_coupons(session, PageRequest(limit=1), merchant_id=merchant.id).total == 0:
        coupons.create(
            session,
            merchant=merchant,
            code=COUPON,
            kind=CouponKind.PERCENT,
            value=Decimal(10),
            currency=currency,
            max_uses_per_user=1,
        )


def _get_or_register(session: Session, person: Person, *, role: Role, password_hash: str) -> User:
    return auth.get_user_by_email(session, email=person.email) or auth.register(
        session,
        email=person.email,
        phone=person.phone,
        password_hash=password_hash,
        role=role,
        first_name=person.first_name,
        last_name=person.last_name,
        user_id=UUID(EXAMPLE_ID) if person is OWNERS[EXAMPLE] else None,
        is_verified=True,
    )


def _units(minor: int, settings: Settings) -> Decimal:
    """The amount in units of the currency, as the services expect it. minor: minor units."""
    return Decimal(str(Money(minor, settings.default_currency)))


def _run_step(settings: Settings, data: _DemoData, step: Step, *, key: str) -> bool:
    """Run one step, unless an interrupted run has done it. Returns False if it was refused."""
    try:
        match step:
            case PlacedOrder() | Deposit() | Withdrawal():
                _move(settings, data, step, key=key)
            case DeactivatedProduct(product):
                db.retry_transaction(lambda session: _deactivate(session, data, product))
    except IntegrityError as error:
        if db.constraint_name(error) != _KEY_INDEX:
            raise
    except AppError as error:
        # The accounts were used after the interruption, or the limits are tighter: the history
        # becomes shorter.
        if error.status >= 500:
            raise
        return False
    return True


def _move(
    settings: Settings, data: _DemoData, step: PlacedOrder | Deposit | Withdrawal, *, key: str
) -> None:
    user = data.users[step.buyer if isinstance(step, PlacedOrder) else step.person]
    ledger_transaction(
        lambda session: perform(
            session,
            _movement(settings, data, step),
            Caller(user.id, user.email, user.role),
            idempotency_key=key,
        )
    )


def _movement(
    settings: Settings, data: _DemoData, step: PlacedOrder | Deposit | Withdrawal
) -> Movement[Any, Any]:
    currency = settings.default_currency
    match step:
        case PlacedOrder():
            basket = Basket(data.products[step.product.name], step.quantity)
            return WalletPurchase(basket, _NO_CODE, settings.platform_fee_bps)
        case Deposit():
            return deposits.Deposit(
                _units(step.amount, settings),
                currency,
                maximum=settings.maximum_deposit,
                description="Top-up by card",
            )
        case Withdrawal():
            return deposits.Withdrawal(
                _units(step.amount, settings),
                currency,
                minimum=settings.minimum_withdrawal,
                second_factor=_NO_CODE,
                description="Payout to bank account",
            )


def _deactivate(session: Session, data: _DemoData, product: DemoProduct) -> None:
    products.update(
        session,
        merchant=data.users[OWNERS[product]],
        product_id=data.products[product.name],
        is_active=False,
    )


def _with_progress_bar(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps in order, with a progress bar in a terminal if they take long."""
    console = Console()
    bar = Progress(console=console, transient=True)
    task = bar.add_task("Loading demo data", total=len(steps))
    slow_at = time.monotonic() + _PROGRESS_AFTER_SECONDS
    try:
        for step in steps:
            if console.is_terminal and time.monotonic() > slow_at:
                bar.start()
            yield step
            bar.advance(task)
    finally:
        if bar.live.is_started:
            bar.stop()


def _credentials() -> str:
    """Email addresses and password of some accounts, as a table."""
    shown = [
        (Role.MERCHANT, OWNERS[EXAMPLE]),
        (Role.USER, BUYERS[0]),
        (Role.USER, BUYERS[1]),
        (Role.ADMIN, ADMIN),
    ]
    width = max(len(person.email) for _, person in shown)
    rows = [f"  {role:<12}{person.email:<{width}}  {PASSWORD}\n" for role, person in shown]
    return "Demo accounts (all have the same password):\n\n" + "".join(rows)


def _write_private(text: str, path: Path) -> None:
    """Write a file that only this operating-system user can read. Raises SettingsError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with open(path, "x", opener=_private) as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"Cannot write {path}: {error.strerror}.") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
