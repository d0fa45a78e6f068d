"""Property tests: after any sequence of operations, the books agree with a simple model."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.common.db import transaction
from app.common.errors import AppError
from app.common.money import EXPONENTS, MAX_MINOR, AmountInvalid, Money, format_minor, share_of
from app.orders.purchases.pricing import Basket
from app.orders.purchases.purchase import WalletPurchase
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.deposits import Deposit, Withdrawal
from app.wallets.ledger import Authorization, Entry, Posting, system_account
from app.wallets.models import SystemCode, TransactionType
from tests import factories
from tests.concurrency import broken_invariants
from tests.savepoints import rolled_back_savepoint

MINIMUM, MAXIMUM = Decimal("1.00"), Decimal("500.00")
PRICE = 1050

_settings = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

users = st.sampled_from(["alice", "bob", "shop"])
cents = st.one_of(st.integers(1, 60_000), st.sampled_from([99, 100, 50_000, 50_001]))
operations = st.one_of(
    st.tuples(st.just("deposit"), users, cents),
    st.tuples(st.just("withdraw"), users, cents),
    st.tuples(st.just("buy"), users, st.integers(1, 4)),
    st.tuples(st.just("lock"), users, st.booleans()),
)
Operation = tuple[str, str, int]


@dataclass
class Model:
    """The expected behaviour, in integers."""

    balances: dict[str, int]
    locked: set[str]
    postings: dict[str, int]
    stock: int
    fee_bps: int

    def expect(self, operation: Operation) -> str:
        """Apply the operation. Returns `done`, or the code of the expected error."""
        kind, name, value = operation
        return getattr(self, kind)(name, value)

    def deposit(self, name: str, amount: int) -> str:
        if amount > MAXIMUM * 100:
            return "INVALID_DEPOSIT_AMOUNT"
        if name in self.locked:
            return "WALLET_LOCKED"
        self._post(name, amount)
        return "done"

    def withdraw(self, name: str, amount: int) -> str:
        if amount < MINIMUM * 100:
            return "INVALID_WITHDRAWAL_AMOUNT"
        if name in self.locked:
            return "WALLET_LOCKED"
        if amount > self.balances[name]:
            return "INSUFFICIENT_FUNDS"
        self._post(name, -amount)
        return "done"

    def buy(self, name: str, quantity: int) -> str:
        amount = PRICE * quantity
        if name == "shop":
            return "CANNOT_BUY_OWN_PRODUCT"
        if quantity > self.stock:
            return "PRODUCT_OUT_OF_STOCK"
        if name in self.locked:
            return "WALLET_LOCKED"
        if amount > self.balances[name]:
            return "INSUFFICIENT_FUNDS"
        if "shop" in self.locked:
            return "WALLET_LOCKED"
        self.stock -= quantity
        self._post(name, -amount)
        self._post("shop", amount)
        if fee := int(Decimal(amount * self.fee_bps).scaleb(-4).quantize(1, "ROUND_HALF_UP")):
            self._post("shop", -fee)
        return "done"

    def lock(self, name: str, locked: bool) -> str:
        (self.locked.add if locked else self.locked.discard)(name)
        return "done"

    def _post(self, name: str, amount: int) -> None:
        self.balances[name] += amount
        self.postings[name] += 1


class Shop:
    """The same operations with the real services."""

    def __init__(self, *, stock: int, fee_bps: int) -> None:
        self.actors = {
            "alice": factories.actor(),
            "bob": factories.actor(),
            "shop": factories.merchant(),
        }
        self.product_id = factories.product(self.actors["shop"], price="10.50", units=stock)
        self.fee_bps = fee_bps

    def attempt(self, operation: Operation) -> str:
        kind, name, value = operation
        user_id = self.actors[name].id
        try:
            with factories.ledger_session() as session:
                if kind == "deposit":
                    deposit = Deposit(maximum=MAXIMUM, **_dollars(value))
                    factories.execute(session, deposit, user_id)
                elif kind == "withdraw":
                    withdrawal = Withdrawal(
                        minimum=MINIMUM, second_factor=factories.NO_CODE, **_dollars(value)
                    )
                    factories.execute(session, withdrawal, user_id)
                elif kind == "buy":
                    basket = Basket(self.product_id, value)
                    purchase = WalletPurchase(basket, factories.NO_CODE, self.fee_bps)
                    factories.execute(session, purchase, user_id)
                else:
                    wallets.set_locked(
                        session,
                        actor_id=None,
                        wallet_id=factories.wallet(session, user_id).id,
                        locked=bool(value),
                        reason="test",
                    )
        except AppError as refusal:
            return refusal.code
        return "done"

    def state(self) -> dict[str, tuple[int, int]]:
        """Balance and number of postings of each user."""
        with transaction() as session:
            found = {
                name: factories.wallet(session, actor.id) for name, actor in self.actors.items()
            }
            return {name: (wallet.balance, wallet.sequence) for name, wallet in found.items()}


def _dollars(cents_: int) -> dict[str, Any]:
    return {"currency": "USD", "amount": Decimal(cents_).scaleb(-2)}


def run_script(script: list[Operation], *, stock: int, fee_bps: int) -> None:
    shop = Shop(stock=stock, fee_bps=fee_bps)
    zero = dict.fromkeys(shop.actors, 0)
    model = Model(zero.copy(), set(), zero.copy(), stock, fee_bps)
    for operation in script:
        assert shop.attempt(operation) == model.expect(operation), operation
        expected = {name: (model.balances[name], model.postings[name]) for name in zero}
        assert shop.state() == expected, operation
    assert min(model.balances.values()) >= 0
    assert broken_invariants() == []


scripts = {
    "script": st.lists(operations, min_size=5, max_size=20),
    "stock": st.integers(0, 6),
    "fee_bps": st.sampled_from([0, 1, 250, 10_000]),
}


@pytest.mark.parametrize("histories", [15, pytest.param(1000, marks=pytest.mark.stress)])
def test_the_books_agree_with_the_model(app: Flask, histories: int) -> None:
    @settings(_settings, max_examples=histories)
    @given(**scripts)
    def run(**world: Any) -> None:
        with rolled_back_savepoint():
            run_script(**world)

    run()


def test_a_batch_of_entries_is_posted_like_single_entries(app: Flask) -> None:
    """Batches of purchases depend on this."""
    transfers = st.lists(
        st.tuples(users, users, st.integers(1, 10**15)).filter(lambda t: t[0] != t[1]),
        min_size=1,
        max_size=12,
    )

    def rows(moves: list[tuple[str, str, int]], *, batched: bool) -> list[tuple[Any, ...]]:
        with rolled_back_savepoint():
            actors = {name: factories.actor() for name in ("alice", "bob", "shop")}
            owners = {actor.id: name for name, actor in actors.items()}
            with factories.ledger_session() as session:
                accounts = wallets.lock_accounts(session, user_ids=list(owners), currency="USD")
                by_name = {owners[user_id]: account for user_id, account in accounts.items()}
                bank = system_account(SystemCode.BANK, "USD")
                funding = [_entry(bank, account, 10**17) for account in by_name.values()]
                entries = funding + [_entry(by_name[a], by_name[b], sum_) for a, b, sum_ in moves]
                if batched:
                    written = [ledger.apply(entry) for entry in entries]
                    ledger.write_entries(session, written)
                else:
                    written = [ledger.post(session, entry) for entry in entries]
            names = {account.id: name for name, account in by_name.items()}
            # The services were bypassed, so there is neither an order nor an event.
            assert broken_invariants() == [
                "Every debit has its order, refund, hold, transfer, payout or withdrawal",
                "Every money operation has its outbox event",
            ]
            return [
                (names.get(line.wallet_id), line.sequence, line.amount, line.balance_after)
                for posted in written
                for line in posted.postings
            ]

    @settings(_settings, max_examples=15)
    @given(moves=transfers)
    def run(moves: list[tuple[str, str, int]]) -> None:
        assert rows(moves, batched=True) == rows(moves, batched=False)

    run()


def _entry(payer: Any, payee: Any, amount: int) -> Entry:
    kind = TransactionType.EARNING
    authorization = Authorization(payer.id, amount, kind)
    return Entry(
        "TEST",
        (
            Posting(payer, -amount, kind, authorization=authorization),
            Posting(payee, amount, kind),
        ),
    )


currencies = st.sampled_from(sorted(EXPONENTS))


@_settings
@given(minor=st.integers(-MAX_MINOR, MAX_MINOR), currency=currencies)
def test_formatted_money_is_parsed_unchanged(minor: int, currency: str) -> None:
    written = format_minor(minor, currency)
    assert Money.of(Decimal(written), currency) == Money(minor, currency)
    assert len(written.partition(".")[2]) == EXPONENTS[currency]


@_settings
@given(
    amount=st.decimals(allow_nan=True, allow_infinity=True)
    | st.decimals(-(10**6), 10**6, places=4)
    | st.decimals(-(10**20), 10**20, places=2),
    currency=currencies,
)
def test_an_amount_is_converted_exactly_or_refused(amount: Decimal, currency: str) -> None:
    try:
        minor = Money.of(amount, currency).minor
    except AmountInvalid:
        if amount.is_finite() and abs(amount.adjusted()) <= 30:
            scaled = Fraction(amount) * 10 ** EXPONENTS[currency]
            assert scaled.denominator > 1 or abs(scaled) > MAX_MINOR
    else:
        assert minor == Fraction(amount) * 10 ** EXPONENTS[currency]


@_settings
@given(
    amount=st.integers(1, MAX_MINOR),
    more=st.integers(0, 10**6),
    bps=st.integers(0, 10_000),
)
def test_the_platform_fee_is_rounded_to_the_nearest_minor_unit(
    amount: int, more: int, bps: int
) -> None:
    fee = share_of(amount, bps=bps)
    assert 0 <= fee <= amount
    assert abs(fee * 10_000 - amount * bps) <= 5_000
    assert share_of(amount + more, bps=bps) >= fee
