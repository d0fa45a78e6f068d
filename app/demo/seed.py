"""Filling an empty shop: accounts, a catalogue, and a history that the books can prove.

Everything goes through the services that the HTTP endpoints use. First come all accounts and
products in one transaction, then one transaction per step of the history – money under an
idempotency key of its own – and at last the administrator, whose existence says that the demo is
complete. A run that was interrupted is therefore completed by the next, and nothing happens twice.
"""

import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final
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
from app.common.money import Money
from app.common.pagination import PageRequest
from app.common.settings import Settings, SettingsError
from app.coupons import service as coupons
from app.coupons.models import CouponKind
from app.demo.catalogue import COUPON, GOODS, OWNER_OF, PASSWORD, SHOPS
from app.demo.history import Bought, Deposit, Retired, Step, Withdrawal, history
from app.demo.people import ADMIN, BUYERS, Person
from app.demo.shops.shop import Good, Shop
from app.ledger_lock.service import ledger_transaction
from app.orders.purchases import service as orders
from app.orders.purchases.pricing import Basket, Purchase
from app.products import service as products
from app.wallets import service as wallets

LOG_INS_FILE: Final = "demo-logins.txt"

#: Says that a movement of money has been made before under the same key.
_DONE_BEFORE: Final = "uq_journal_entries_key"
_PATIENCE_SECONDS: Final = 1.0
_SHELF_ORDER: Final = 7


def seed(settings: Settings, *, if_empty: bool) -> None:
    """Fill the shop with merchants, products, buyers and history, and say how to log in.

    if_empty: do nothing, silently, where there are products already – unless they are those of a
    demo that was interrupted. Raises SettingsError in production, and when another process does
    the same at this moment.
    """
    if settings.is_production:
        raise SettingsError(
            "Demo data is refused in production, because everybody knows its password "
            "(`up` starts without it when called with --no-demo)."
        )
    with db.transaction() as session:
        complete = _exists(session, ADMIN)
        if if_empty and (complete or (_sells(session) and not _exists(session, BUYERS[0]))):
            return
    if complete:
        click.echo("The demo data is there already; nothing was changed.")
        return
    try:
        bought = _fill(settings)
    except EmailTaken:
        raise SettingsError("Another process is loading the demo data right now.") from None
    log_ins = _log_ins()
    if settings.data_dir is not None:
        _keep(log_ins, settings.data_dir / LOG_INS_FILE)
    click.echo(
        f"Demo data loaded: {len(SHOPS)} shops, {len(GOODS)} products, {len(BUYERS)} buyers, "
        f"{bought} orders.\n\n{log_ins}",
        nl=False,
    )


def _exists(session: Session, person: Person) -> bool:
    return auth.find_by_email(session, email=person.email) is not None


def _sells(session: Session) -> bool:
    return products.list_on_sale(session, PageRequest(limit=1), sort="newest").total > 0


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who acts in the history, and with what. products: ids by name."""

    users: dict[Person, User]
    products: dict[str, UUID]


def _fill(settings: Settings) -> int:
    """Load what is missing of the demo; the number of purchases in its history."""
    # Once for all accounts, and before the transaction: hashing is slow on purpose.
    password_hash = passwords.hash_password(PASSWORD, rounds=settings.bcrypt_rounds)
    with db.transaction() as session:
        cast = _open_shops(session, settings, password_hash=password_hash)
    bought = 0
    for number, step in enumerate(_watched(history()), start=1):
        stands = _do_once(settings, cast, step, key=f"demo-history-{number}")
        bought += stands and isinstance(step, Bought)
    with db.transaction() as session:
        _register(session, ADMIN, role=Role.ADMIN, password_hash=password_hash)
    return bought


def _open_shops(session: Session, settings: Settings, *, password_hash: str) -> _Cast:
    """All merchants with their products, and all buyers; what exists already is left alone."""
    cast = _Cast({}, {})
    for buyer in BUYERS:
        cast.users[buyer] = _register(session, buyer, role=Role.USER, password_hash=password_hash)
    to_offer: list[tuple[User, Shop, Good]] = []
    for shop in SHOPS:
        merchant = cast.users[shop.owner] = _register(
            session, shop.owner, role=Role.MERCHANT, password_hash=password_hash
        )
        # The address carries the name of the shop, so everybody may see it.
        auth.change_profile(session, user_id=merchant.id, email_public=True)
        for offer in products.list_by_merchant(session, merchant=merchant, include_deleted=True):
            cast.products[offer.product.name] = offer.product.id
        missing = [good for good in shop.goods if good.name not in cast.products]
        to_offer += [(merchant, shop, good) for good in missing]
        _print_coupon(session, merchant, currency=settings.default_currency)
    # Mixed, so that the first page of the list shows goods of every shop.
    random.Random(_SHELF_ORDER).shuffle(to_offer)  # noqa: S311 – repeats itself, guards nothing
    for merchant, shop, good in to_offer:
        offer = products.create(
            session,
            merchant=merchant,
            name=good.name,
            description=good.about,
            price=_units(good.price, settings),
            available_units=good.units,
            currency=settings.default_currency,
            kind=shop.sells,
        )
        cast.products[good.name] = offer.product.id
    return cast


def _print_coupon(session: Session, merchant: User, *, currency: str) -> None:
    """Ten percent off for every buyer, once, unless the merchant has coupons already."""
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


def _register(session: Session, person: Person, *, role: Role, password_hash: str) -> User:
    return auth.find_by_email(session, email=person.email) or auth.register(
        session,
        email=person.email,
        password_hash=password_hash,
        role=role,
        first_name=person.first_name,
        last_name=person.last_name,
    )


def _units(minor: int, settings: Settings) -> Decimal:
    """minor units as the services take amounts: in units of the shop's currency."""
    return Decimal(str(Money(minor, settings.default_currency)))


def _do_once(settings: Settings, cast: _Cast, step: Step, *, key: str) -> bool:
    """Do one step of the history, unless an interrupted run did it; whether it is done now."""
    try:
        match step:
            case Bought():
                _buy(settings, cast, step, key=key)
            case Deposit() | Withdrawal():
                ledger_transaction(
                    lambda session: _move(session, settings, cast, step, key=key), exclusive=False
                )
            case Retired(good):
                db.retry_transaction(lambda session: _retire(session, cast, good))
    except IntegrityError as error:
        if db.constraint_name(error) != _DONE_BEFORE:
            raise
    except AppError as error:
        # Somebody used these accounts after the interruption, or set tighter limits: the history
        # becomes a little shorter.
        if error.status >= 500:
            raise
        return False
    return True


def _move(
    session: Session, settings: Settings, cast: _Cast, step: Deposit | Withdrawal, *, key: str
) -> None:
    user, currency = cast.users[step.who], settings.default_currency
    amount = _units(step.amount, settings)
    if isinstance(step, Deposit):
        wallets.deposit(
            session,
            user=user,
            currency=currency,
            amount=amount,
            maximum=settings.maximum_deposit,
            description="Top-up by card",
            idempotency_key=key,
        )
    else:
        wallets.withdraw(
            session,
            user=user,
            currency=currency,
            amount=amount,
            minimum=settings.minimum_withdrawal,
            second_factor=SecondFactor(above=amount),  # nobody in the demo has one
            description="Payout to bank account",
            idempotency_key=key,
        )


def _buy(settings: Settings, cast: _Cast, step: Bought, *, key: str) -> None:
    buyer, product_id = cast.users[step.buyer], cast.products[step.good.name]
    caller = Caller(buyer.id, buyer.email, buyer.role)

    def attempt(session: Session) -> None:
        orders.buy(
            session,
            Purchase(caller, Basket(product_id, step.quantity), idempotency_key=key),
            fee_bps=settings.platform_fee_bps,
        )

    ledger_transaction(attempt, exclusive=True)


def _retire(session: Session, cast: _Cast, good: Good) -> None:
    products.update(
        session,
        merchant=cast.users[OWNER_OF[good]],
        product_id=cast.products[good.name],
        is_active=False,
    )


def _watched(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps one after the other, with a bar in a terminal once that takes its time."""
    console = Console()
    bar = Progress(console=console, transient=True)
    task = bar.add_task("Loading demo data", total=len(steps))
    slow_at = time.monotonic() + _PATIENCE_SECONDS
    try:
        for step in steps:
            if console.is_terminal and time.monotonic() > slow_at:
                bar.start()
            yield step
            bar.advance(task)
    finally:
        if bar.live.is_started:
            bar.stop()


def _log_ins() -> str:
    """How to log in, as a small table."""
    shown = [
        (Role.MERCHANT, SHOPS[0].owner),
        (Role.USER, BUYERS[0]),
        (Role.USER, BUYERS[1]),
        (Role.ADMIN, ADMIN),
    ]
    width = max(len(person.email) for _, person in shown)
    rows = [f"  {role:<12}{person.email:<{width}}  {PASSWORD}\n" for role, person in shown]
    return "Demo log-ins (all demo accounts share this password):\n\n" + "".join(rows)


def _keep(text: str, path: Path) -> None:
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
