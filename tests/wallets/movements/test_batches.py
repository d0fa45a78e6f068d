"""A batch of movements has the outcomes, and leaves the rows, of the same ones done one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.auth import service as auth
from app.auth.two_factor.service import SecondFactor
from app.common.db import transaction
from app.common.errors import AppError
from app.common.json_format import dump_json
from app.common.money import Money
from app.idempotency.service import Claim, Request, StoredResponse
from app.orders.purchases.pricing import Basket
from app.orders.purchases.purchase import WalletPurchase
from app.orders.refunds.wallet_refund import WalletRefund
from app.payment_requests import service as payment_requests
from app.payment_requests.merchant_codes import service as merchant_codes
from app.payment_requests.merchant_codes.payment import CodePayment
from app.payment_requests.payment import RequestPayment
from app.payment_requests.payment_links import PayerAmount
from app.products import service as products
from app.transfers.recipients import UserIdentifier
from app.transfers.service import NewTransfer
from app.wallets import limits
from app.wallets.deposits import Deposit, Withdrawal
from app.wallets.holds.movements import HoldCapture, HoldVoid, NewHold
from app.wallets.movements import batcher
from app.wallets.movements.movement import Movement
from app.wallets.movements.service import Job
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import NO_CODE, Actor
from tests.savepoints import rolled_back_savepoint

PEOPLE = ("alice", "bob", "shop")
HOLDS = 4

#: Nobody has a code, so that what needs one is refused.
RULES = SecondFactor(above=Decimal(60))

people, payers = st.sampled_from(PEOPLE), st.sampled_from(("alice", "bob"))
cents = st.integers(1, 60).map(lambda dollars: dollars * 100)
positions = st.integers(0, HOLDS - 1)

operations = st.one_of(
    st.tuples(st.just("deposit"), people, cents),
    st.tuples(st.just("withdraw"), people, cents),
    st.tuples(st.just("transfer"), people, people, cents),
    st.tuples(st.just("buy"), payers, st.integers(1, 3)),
    st.tuples(st.just("hold"), payers, cents),
    st.tuples(st.just("capture"), st.just("shop"), positions, st.none() | cents),
    st.tuples(st.just("void"), st.just("shop"), positions),
    st.tuples(st.just("pay request"), people),
    st.tuples(st.just("pay code"), payers, cents),
    st.tuples(st.just("refund"), st.just("shop"), st.integers(0, 1), st.none() | st.just(1)),
)
#: Each with or without an Idempotency-Key.
scripts = st.lists(st.tuples(operations, st.booleans()), min_size=1, max_size=14)

#: Only 5.00 of a hold of 30.00 is captured, so the limit of 70.00 allows the first withdrawal.
FREEING = [
    (("capture", "shop", 0, 500), True),
    (("withdraw", "alice", 3000), True),
    (("withdraw", "alice", 2000), True),
    (("deposit", "bob", 4100), False),
]
#: The refund makes room for another purchase of the same buyer, who may own three units.
REFUNDING = [(("refund", "shop", 0, None), True), (("buy", "alice", 3), True)]
#: The capture of a hold counts towards what needs a code, also after exact sums were read.
CAPTURING = [
    (("withdraw", "alice", 4000), False),
    (("capture", "shop", 0, 500), False),
    (("withdraw", "alice", 300), False),
]


@dataclass(frozen=True)
class World:
    """The same users, holds, request and code in each run, with other ids."""

    actors: dict[str, Actor]
    product_id: UUID
    holds: list[UUID]
    orders: list[UUID]
    request_id: UUID
    code_id: UUID

    @classmethod
    def create(cls) -> "World":
        actors = {
            "alice": factories.buyer("100.00"),
            "bob": factories.buyer("60.00"),
            "shop": factories.merchant(),
        }
        shop = actors["shop"].id
        with factories.ledger_session() as session:
            for name, kind, window, amount in (
                ("alice", "OUTGOING", "DAY", 70),
                ("alice", "PAYMENT", "TRANSACTION", 40),
                ("bob", "INCOMING", "DAY", 100),
                ("bob", "TRANSFER_OUT", "DAY", 50),
            ):
                limits.set_for_user(
                    session,
                    actor_id=None,
                    user_id=actors[name].id,
                    kind=kind,
                    window=window,
                    amount=Decimal(amount),
                    currency="USD",
                )
            holds = [
                factories.execute(
                    session, NewHold(shop, Decimal(amount), "USD", NO_CODE), actors[payer].id
                ).id
                for payer, amount in (("alice", 30), ("alice", 5), ("bob", 20), ("bob", 10))
            ]
        with transaction() as session:
            request = payment_requests.create_request(
                session,
                requester=auth.require_user(session, shop),
                payer=None,
                amount=Decimal(25),
                currency="USD",
                note="Rent",
                expires_in=timedelta(days=1),
            )
            merchant = auth.require_user(session, shop)
            code = merchant_codes.create_code(session, merchant=merchant, currency="USD")
        product_id = factories.product(actors["shop"], price="10.00", units=8)
        with transaction() as session:
            products.update(
                session,
                merchant=auth.require_user(session, shop),
                product_id=product_id,
                purchase_limit=3,
            )
        purchase = WalletPurchase(Basket(product_id, quantity=2), NO_CODE, fee_bps=250)
        with factories.ledger_session() as session:
            orders = [
                factories.execute(session, purchase, actors[buyer].id).order.id
                for buyer in ("alice", "bob")
            ]
        return cls(actors, product_id, holds, orders, request.request.id, code.code.id)

    def movement(self, operation: tuple[Any, ...]) -> Movement[Any, Any]:
        match operation:
            case ("deposit", _, value):
                return Deposit(_dollars(value), "USD", maximum=Decimal(50))
            case ("withdraw", _, value):
                return Withdrawal(_dollars(value), "USD", minimum=Decimal(2), second_factor=RULES)
            case ("transfer", _, to, value):
                receiver = UserIdentifier(user_id=self.actors[to].id)
                return NewTransfer(receiver, Money(value, "USD"), RULES, note="Hello")
            case ("buy", _, quantity):
                return WalletPurchase(Basket(self.product_id, quantity), RULES, fee_bps=250)
            case ("hold", _, value):
                return NewHold(self.actors["shop"].id, _dollars(value), "USD", RULES)
            case ("capture", _, position, value):
                amount = _dollars(value) if value is not None else None
                return HoldCapture(self.holds[position], amount)
            case ("void", _, position):
                return HoldVoid(self.holds[position])
            case ("pay request", _):
                return RequestPayment(self.request_id, PayerAmount(), RULES)
            case ("refund", _, position, units):
                return WalletRefund(self.orders[position], self.product_id, units=units)
            case ("pay code", _, value):
                return CodePayment(self.code_id, PayerAmount(_dollars(value)), RULES)
        raise AssertionError(operation)

    def job(self, operation: tuple[Any, ...], key: str | None) -> Job:
        actor = self.actors[operation[1]]
        fingerprint = repr(operation).encode()
        movement = self.movement(operation)
        request = Request(
            Claim(actor.id, key, fingerprint, fingerprint) if key else None,
            lambda error: StoredResponse(error.status, dump_json({"error": error.code})),
            movement.moves_money,
        )
        done = StoredResponse(200, dump_json({"error": None}))
        return Job(actor.id, actor.session_id, movement, request, lambda _: done)

    def rows(self) -> dict[str, Any]:
        """What the movements have changed, by table."""
        names = {actor.id: name for name, actor in self.actors.items()}
        with transaction() as session:

            def read(query: str, **values: Any) -> list[tuple[Any, ...]]:
                found = session.execute(text(query), values)
                return [tuple(names.get(each, each) for each in row) for row in found]

            users = list(names)
            return {
                "wallets": read(
                    "SELECT user_id, balance, held, sequence FROM wallets"
                    " WHERE user_id = ANY(:ids) ORDER BY user_id",
                    ids=users,
                ),
                "postings": read(
                    "SELECT w.user_id, t.sequence, t.type, t.amount, t.balance_after, t.type_total"
                    " FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id"
                    " WHERE w.user_id = ANY(:ids) ORDER BY w.user_id, t.sequence",
                    ids=users,
                ),
                "holds": read(
                    "SELECT initiator_id, amount, captured_amount, status FROM wallet_holds"
                    " WHERE payee_id = :id ORDER BY id",
                    id=self.actors["shop"].id,
                ),
                "transfers": read(
                    "SELECT sender_id, receiver_id, amount, reference_type FROM transfers"
                    " WHERE sender_id = ANY(:ids) ORDER BY id",
                    ids=users,
                ),
                "orders": read(
                    "SELECT user_id, quantity, status, refunded_amount, refunded_fee,"
                    " refunded_units, restored_units FROM orders WHERE merchant_id = :id"
                    " ORDER BY id",
                    id=self.actors["shop"].id,
                ),
                "refunds": read(
                    "SELECT amount, fee, units, restored_units FROM refunds"
                    " WHERE merchant_id = :id ORDER BY id",
                    id=self.actors["shop"].id,
                ),
                "request": read(
                    "SELECT status, transfer_id IS NULL FROM payment_requests WHERE id = :id",
                    id=self.request_id,
                ),
                "product": read(
                    "SELECT available_units FROM products WHERE id = :id", id=self.product_id
                ),
                "events": read(
                    # Whether stock has become low is asked of a whole transaction.
                    "SELECT type, count(*) FROM outbox_events WHERE type <> 'stock-low'"
                    " GROUP BY type ORDER BY type"
                ),
                "keys": read(
                    "SELECT user_id, key, status FROM idempotency_keys"
                    " WHERE user_id = ANY(:ids) ORDER BY user_id, key",
                    ids=users,
                ),
            }


def _dollars(value: int) -> Decimal:
    return Decimal(value).scaleb(-2)


def _shown(outcome: Any) -> tuple[int, str | None]:
    """Status and error code."""
    if isinstance(outcome, StoredResponse):
        return outcome.status, orjson.loads(outcome.body)["error"]
    assert isinstance(outcome, AppError), outcome
    return outcome.status, outcome.code


def _run(script: Sequence[tuple[tuple[Any, ...], bool]], *, size: int) -> tuple[Any, Any]:
    """The outcomes of the script in batches of this size, and the rows that it leaves."""
    with rolled_back_savepoint():
        world = World.create()
        jobs = [
            world.job(operation, f"key-{number}" if has_key else None)
            for number, (operation, has_key) in enumerate(script)
        ]
        outcomes: list[Any] = []
        for start in range(0, len(jobs), size):
            batch = jobs[start : start + size]
            outcomes += batcher._run(lambda batch=batch: batch)  # type: ignore[misc]
        assert broken_invariants() == []
        return [_shown(outcome) for outcome in outcomes], world.rows()


@pytest.mark.parametrize("examples", [12, pytest.param(200, marks=pytest.mark.stress)])
def test_a_batch_is_like_its_movements_one_by_one(app: Flask, examples: int) -> None:
    refusals: set[str | None] = set()

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(script=scripts)
    @example(FREEING)
    @example(REFUNDING)
    @example(CAPTURING)
    def run(script: list[tuple[tuple[Any, ...], bool]]) -> None:
        batched, alone = _run(script, size=len(script)), _run(script, size=1)
        assert batched == alone
        refusals.update(code for _, code in batched[0])

    run()
    # Otherwise it compares less than it seems to.
    assert {None, "INSUFFICIENT_FUNDS", "LIMIT_EXCEEDED"} <= refusals


def test_what_a_hold_frees_is_known_to_the_rest_of_its_batch(app: Flask) -> None:
    outcomes, rows = _run(FREEING, size=len(FREEING))

    assert [code for _, code in outcomes] == [None, None, "LIMIT_EXCEEDED", "LIMIT_EXCEEDED"]
    assert rows["holds"][0] == ("alice", 3000, 500, "CAPTURED")
