"""A database with records of every kind, and ways to corrupt it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import sessionmaker

from app.auth.models import Role
from app.auth.service import Caller
from app.banks.types import BankPayout, BankPayoutStatus
from app.common import clock, db, process_state
from app.common.database import Database
from app.common.request_counts import RequestCounts
from app.delivery import service as delivery
from app.gateway.types import (
    CheckoutSessionState,
    CheckoutSessionStatus,
    GatewayRefund,
    GatewayRefundStatus,
)
from app.insights.requests import service as requests
from app.ledger_lock.service import ledger_transaction
from app.onramp import links
from app.onramp.tasks import expire_onramps
from app.orders.checkouts import service as checkouts
from app.orders.purchases.pricing import Basket
from app.orders.purchases.purchase import WalletPurchase
from app.orders.refunds import gateway_refunds
from app.payouts import service as payouts
from app.risk import service as risk
from app.risk.evaluation import Parameters
from app.risk.rulesets import parameters
from app.sales.daily_sums import service as daily_sums
from app.wallets.deposits import Deposit
from app.wallets.holds.tasks import expire_holds
from tests import factories, servers
from tests.clock import freeze_clock
from tests.concurrency import broken_invariants
from tests.coupons.helpers import create_coupon
from tests.delivery.codes.helpers import change, listed, stocked, upload
from tests.delivery.files import helpers as files
from tests.delivery.helpers import bought, delivered
from tests.delivery.licences.helpers import Sold, activate_key, post_licence, sold_key
from tests.giveaways.helpers import claim, created
from tests.images import helpers as images
from tests.insights import helpers as insights
from tests.onramp.helpers import created_onramp, deliver_event
from tests.orders.helpers import buy
from tests.orders.refunds.helpers import decide, refund, request_refund
from tests.payouts.helpers import ACCOUNT
from tests.risk.helpers import decide_case, open_cases
from tests.wallets import outflows
from tests.webhooks import helpers as webhooks


@dataclass(frozen=True)
class Books:
    """A database that stays as it is, and the buyer with the longest history.

    connection: of the owner. The database has neither triggers nor constraints.
    """

    database: servers.TestDatabase
    buyer_id: str
    connection: Connection

    def broken_by(self, corruption: str, *, since: datetime | None = None) -> list[str]:
        """The invariants that a statement violates; {buyer} is the buyer's id. Rolled back.

        since: of the records that are checked; None for all.
        """
        statement = text(corruption.replace("{buyer}", self.buyer_id))
        sessions = sessionmaker(self.connection, join_transaction_mode="create_savepoint")
        with self.connection.begin() as transaction:
            assert self.connection.execute(statement).rowcount > 0
            with mock.patch.object(db.current(), "snapshot", sessions):
                broken = broken_invariants(since)
            transaction.rollback()
        return broken


def create_records(app: Flask) -> factories.Actor:
    """Create records of every kind and status. Returns the buyer."""
    client = app.test_client()
    buyer = factories.buyer("100.00")
    product_id = factories.product(factories.merchant(), price="10.00", units=5)
    order = {"productId": str(product_id), "paymentMethod": "WALLET"}
    for path, body in (
        ("wallet/deposit", {"amount": "5.00"}),
        ("wallet/withdraw", {"amount": "1000.00"}),
        ("wallet/withdraw", {"amount": "1.00"}),
        ("orders", order),
    ):
        key = {"Idempotency-Key": f"key of {path} {body.get('amount')}".replace(" ", "-")}
        client.post(f"/api/v1/{path}", json=body, headers=buyer.headers | key)
    with factories.ledger_session() as session:
        purchase = WalletPurchase(Basket(product_id, 2), factories.NO_CODE, fee_bps=250)
        factories.execute(session, purchase, buyer.id)
    buy_with_coupon_and_refund(client, buyer)
    pay_at_gateway(client, buyer)
    send_and_request_money(client, buyer)
    create_holds(client, buyer)
    create_payouts(client, buyer)
    credentials = {"email": buyer.email, "password": factories.PASSWORD}
    tokens = client.post("/api/v1/auth/login", json=credentials).json
    client.post("/api/v1/auth/refresh", json={"refreshToken": tokens["refreshToken"]})
    create_onramps(client, buyer)
    create_api_keys(client)
    sell_codes(client)
    sell_licences(client)
    sell_files(client, buyer)
    webhooks.create_records(client, factories.merchant())
    review_payments(client)
    sum_today()
    keep_feed()
    return buyer


def buy_with_coupon_and_refund(client: FlaskClient, buyer: factories.Actor) -> None:
    """Orders with a coupon, an approved refund request and a full refund."""
    seller = factories.merchant()
    product_id = factories.product(seller, price="2.00", units=5)
    create_coupon(client, seller, maxUses=5, maxUsesPerUser=5)
    bought = [
        buy(client, buyer, product_id, quantity=2, couponCode="SPRING").json["id"] for _ in range(2)
    ]
    refund_request_id = request_refund(client, buyer, bought[0], units=1).json["id"]
    decide(client, seller, refund_request_id, "approve")
    refund(client, seller, bought[1])


def pay_at_gateway(client: FlaskClient, buyer: factories.Actor) -> None:
    """Checkouts that are paid and partly refunded, expired, and open."""
    seller = factories.merchant()
    product_id = factories.product(seller, price="3.00", units=9)
    user = caller_of(buyer)
    statuses = (CheckoutSessionStatus.PAID, CheckoutSessionStatus.EXPIRED, None)
    for number, status in enumerate(statuses):
        with db.transaction() as session:
            order_id = checkouts.create_order(
                session, buyer=user, basket=Basket(product_id, 2), claim=None, fee_bps=250
            )
        state = CheckoutSessionState(
            f"cs_{number}", status or CheckoutSessionStatus.OPEN, "pi_1", 600, "USD"
        )
        ledger_transaction(partial(checkouts.apply_state, order_id=order_id, state=state))
        if status is CheckoutSessionStatus.PAID:
            for refund_status in (GatewayRefundStatus.SUCCEEDED, GatewayRefundStatus.FAILED):
                made = refund(client, seller, str(order_id), units=1).json
                outcome = GatewayRefund("re_1", refund_status, None)
                ledger_transaction(
                    partial(
                        gateway_refunds.record_outcome, refund_id=UUID(made["id"]), state=outcome
                    )
                )


def caller_of(buyer: factories.Actor) -> Caller:
    return Caller(buyer.id, buyer.email, Role.USER)


def create_api_keys(client: FlaskClient) -> None:
    """API keys: one without expiry, a revoked one, and one that will expire."""
    shop = factories.merchant()
    factories.api_key(shop)
    revoked = factories.api_key(shop)
    client.delete(f"/api/v1/auth/api-keys/{revoked.id}", headers=shop.headers)
    factories.api_key(shop, expires_at=clock.now() + timedelta(days=1))


def send_and_request_money(client: FlaskClient, buyer: factories.Actor) -> None:
    """Transfers of every kind, and payment requests of every status without waiting."""
    shop = factories.merchant()
    product_id = factories.product(shop, price="2.00", units=3)

    def post(caller: factories.Actor, path: str, body: Any = None) -> Any:
        answer = client.post(f"/api/v1/{path}", json=body, headers=caller.headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json

    post(buyer, "transfers", {"recipient": {"userId": str(shop.id)}, "amount": "3.00"})
    for action, caller in (("pay", buyer), ("decline", buyer), ("cancel", shop)):
        body = {"payer": {"userId": str(buyer.id)}, "amount": "1.50"}
        request_id = post(shop, "payment-requests", body)["id"]
        post(caller, f"payment-requests/{request_id}/{action}")
    post(shop, "payment-requests", {})
    for fields in ({"amount": "2.50"}, {"productId": str(product_id)}):
        token = post(shop, "merchant-codes", fields)["token"]
        post(buyer, f"merchant-codes/{token}/pay")


def sell_codes(client: FlaskClient) -> None:
    """Codes that are available, sold, viewed, revoked and reissued, and an upload in progress."""
    seller, product_id = stocked(client, *"ABCDEFGH", "A")
    seen = bought(factories.buyer(), product_id, 3)
    delivered(seen)
    bought(factories.buyer(), product_id, 2)
    reissued, withdrawn, *_ = listed(client, seller, product_id)
    for code, action in ((reissued, "reissue"), (withdrawn, "revoke")):
        change(client, seller, product_id, code, action)
    with mock.patch("app.delivery.codes.uploads.CHUNK_SIZE", 2):
        upload(client, seller, product_id, ["I", "J", "K"])


def sell_licences(client: FlaskClient) -> None:
    """Licences with active and deactivated machines, revoked, reissued and given away."""
    sold = Sold(client, 2)
    reissued, withdrawn = sold.licences
    sold.post("reissue", reissued["id"])
    sold.post("revoke", withdrawn["id"])
    for kind in ("BATCH", "LINK"):
        given = created(client, sold.seller, sold.product_id, kind, 2)
    claim(client, factories.buyer(), given)
    _, key, _ = sold_key(client, activationLimit=2, validDays=30)
    for machine in ("one", "two"):
        activate_key(client, key, machine)
    post_licence(client, "deactivate", key, instance="one")
    sold_key(client)


def create_onramps(client: FlaskClient, user: factories.Actor) -> None:
    """On-ramps of every status."""
    for kind, otherwise in (
        ("payment.succeeded", {}),
        ("payment.succeeded", {}),
        ("payment.failed", {}),
        ("payment.succeeded", {"amount": "1000.00"}),
    ):
        deliver_event(client, created_onramp(client, user), user, kind, **otherwise)
    key = {"headers": {"Idempotency-Key": "on-ramp"}}
    created_onramp(client, user, **key)
    late = created_onramp(client, user)
    with pytest.MonkeyPatch.context() as patch:
        freeze_clock(patch, clock.now() + links.TTL)
        expire_onramps()
        deliver_event(client, late, user)
    created_onramp(client, user)


def create_holds(client: FlaskClient, payer: factories.Actor) -> None:
    """Holds of every status, and a refused one."""
    payee = factories.merchant()

    def call(user: factories.Actor, path: str, key: str, **body: Any) -> Any:
        headers = user.headers | {"Idempotency-Key": key}
        return client.post(f"/api/v1/wallet/holds{path}", json=body, headers=headers).json

    def place(key: str, amount: str, **body: Any) -> str:
        hold = call(payer, "", key, payeeId=str(payee.id), amount=amount, **body)
        return str(hold.get("id"))

    place("hold-refused", "1000.00")
    place("hold-active", "1.00")
    call(payee, f"/{place('hold-captured', '4.00')}/capture", "capture", amount="3.00")
    call(payee, f"/{place('hold-voided', '1.00')}/void", "void")
    yesterday = clock.now() - timedelta(days=1)
    with mock.patch("app.common.clock.now", return_value=yesterday):
        place("hold-expired", "1.00", expiresIn=60)
    expire_holds()


def review_payments(client: FlaskClient) -> None:
    """Payments under review, released, rejected and expired ones, and a declined one."""
    payer, payee, admin = factories.buyer("1000.00"), factories.merchant(), factories.admin()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            process_state._values, parameters.name, Parameters(review_above=Decimal("1.00"))
        )
        for spend in (outflows.order, outflows.transfer, outflows.withdraw, outflows.place_hold):
            for decision in ("release", "reject", None):
                spend(client, payer, payee, "5.00", {})
                if decision is not None:
                    (case,) = open_cases(client, admin, newest=True)
                    decide_case(client, admin, case["id"], decision)
    client.post("/api/v1/wallet/withdraw", json={"amount": "5000.00"}, headers=payer.headers)
    with factories.ledger_session() as session:
        entry = {"list_name": "BLOCK", "kind": "USER", "value": str(payee.id), "reason": "Fraud"}
        risk.add_entry(session, actor_id=None, **entry)
    with factories.ledger_session() as session:
        factories.execute(
            session, Deposit(Decimal("5.00"), "USD", maximum=Decimal("5.00")), payee.id
        )
    outflows.transfer(client, payee, payer, "1.00", {})


def create_payouts(client: FlaskClient, user: factories.Actor) -> None:
    """Payouts of every status."""
    headers = user.headers
    saved = client.post("/api/v1/wallet/bank-accounts", json=ACCOUNT, headers=headers).json
    body = {"bankAccountId": saved["id"], "amount": "2.00"}
    for number, status in enumerate((None, *BankPayoutStatus)):
        key = {"Idempotency-Key": f"payout-{number}"}
        payout = client.post("/api/v1/wallet/payouts", json=body, headers=headers | key).json
        if status is not None:
            answer = BankPayout(status, f"BANK-{number}", None)
            with factories.ledger_session() as session:
                payouts.record_bank_payout(session, payout_id=UUID(payout["id"]), reported=answer)


def sell_files(client: FlaskClient, buyer: factories.Actor) -> None:
    """A file with two versions and downloads, and one without orders."""
    seller = factories.merchant()
    product_id = files.on_sale(client, seller)
    order_line = files.bought(client, buyer, product_id, quantity=2)
    for body in (files.GUIDE, b"second edition"):
        files.upload(client, seller, product_id, body)
        client.get(files.link_of(order_line), headers={"Range": "bytes=5-"}).close()
    with db.transaction() as session:
        delivery.revoke(session, order_line, units=1)
    files.on_sale(client, seller, b"another file")
    for _ in range(2):
        images.shown(seller, product_id)
    images.with_logo(seller)


def sum_today() -> None:
    """Sum the sales of today, as if it were over."""
    with pytest.MonkeyPatch.context() as patch:
        freeze_clock(patch, clock.now() + timedelta(days=2))
        assert list(daily_sums.sum_days())


def keep_feed() -> None:
    """The feed of everything that was recorded, and counts of requests."""
    insights.relay()
    counts = RequestCounts()
    counts.observe(seconds=0.004, status=200)
    counts.observe(seconds=0.7, status=500)
    requests.store(counts)


@contextmanager
def using_database(database: Database) -> Iterator[None]:
    previous = db.current()
    db.configure(database)
    try:
        yield
    finally:
        db.configure(previous)
        database.dispose()


@contextmanager
def without_constraints(url: str) -> Iterator[Connection]:
    """A connection of the owner in a transaction that removed all triggers and constraints.

    It is rolled back unless it is committed.
    """
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text(_REMOVE_CONSTRAINTS))
        yield connection
    engine.dispose()


_REMOVE_CONSTRAINTS = """
    DO $$ DECLARE change text; BEGIN
        FOR change IN
            SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', oid::regclass) FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        UNION ALL
            SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
            FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u')
        LOOP EXECUTE change; END LOOP;
        FOR change IN
            SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
            JOIN pg_class t ON t.oid = indrelid
            WHERE t.relnamespace = 'public'::regnamespace AND indisunique AND NOT indisprimary
        LOOP EXECUTE change; END LOOP;
    END $$
"""
