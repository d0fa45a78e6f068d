"""Placing orders, over HTTP."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.auth.models import Role
from app.common import db
from app.events.models import OutboxEvent
from app.verify.report import violations
from app.wallets.ledger import system_account
from app.wallets.models import SystemCode, WalletTransaction
from tests import factories
from tests.orders.helpers import ORDERS, UNKNOWN, balance, buy, nothing_happened, units
from tests.responses import TIME, UUID_TEXT, refusal


class TestBuying:
    def test_the_response_has_exactly_the_documented_body(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="30.00", units=3)

        answer = buy(client, buyer, product_id, quantity=2)

        assert answer.status_code == 201
        assert re.fullmatch(
            rf'{{"id":"{UUID_TEXT}","paymentMethod":"WALLET","status":"COMPLETED",'
            r'"amount":"60.00","currency":"USD","quantity":2,"stripeSessionId":null,'
            r'"stripePaymentIntentId":null,"idempotencyKey":null,"notes":null,"metadata":null,'
            rf'"completedAt":"{TIME}","failedAt":null,"failureReason":null,'
            rf'"createdAt":"{TIME}","updatedAt":"{TIME}","userId":"{buyer.id}",'
            rf'"productId":"{product_id}","merchantId":"{seller.id}",'
            rf'"product":{{"id":"{product_id}","name":"Course","price":"30.00"}},'
            rf'"user":{{"id":"{buyer.id}","email":"{re.escape(buyer.email)}"}},'
            r'"discount":"0.00","couponCode":null,"refundedAmount":"0.00","refundedUnits":0,'
            r'"giveawayId":null,"object":"order","number":"[0-9]{4}-[0-9]{4}-[0-9]{3}"}',
            answer.text,
        )

    def test_a_purchase_moves_money_and_stock(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="30.00", units=3)

        buy(client, buyer, product_id, quantity=2)

        assert (balance(client, buyer), balance(client, seller)) == ("40.00", "60.00")
        assert units(client, product_id) == 1
        assert [name for name, rows in violations() if rows] == []

    def test_the_default_quantity_is_one(self, client: FlaskClient) -> None:
        buyer = factories.buyer()
        product_id = factories.product(factories.merchant(), units=3)

        assert buy(client, buyer, product_id).json["quantity"] == 1
        assert units(client, product_id) == 2

    def test_the_histories_of_both_wallets_refer_to_the_order(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="30.00")
        order_id = buy(client, buyer, product_id).json["id"]

        for user, kind, before, after, text in (
            (buyer, "PAYMENT", "100.00", "70.00", "Purchase: Course"),
            (seller, "EARNING", "0.00", "30.00", "Sale: Course"),
        ):
            row = client.get("/api/v1/wallet/transactions", headers=user.headers).json["data"][0]
            assert (row["type"], row["amount"]) == (kind, "30.00")
            assert (row["balanceBefore"], row["balanceAfter"]) == (before, after)
            assert (row["referenceType"], row["referenceId"]) == ("order", order_id)
            assert row["description"] == text

    def test_events_are_recorded_in_the_outbox(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="30.00")
        order = buy(client, buyer, product_id, quantity=2).json
        order_id = UUID(order["id"])

        with db.transaction() as session:
            (completed,) = session.scalars(
                select(OutboxEvent).where(OutboxEvent.aggregate_id == order_id)
            )
            balances = session.scalars(
                select(OutboxEvent)
                .where(
                    OutboxEvent.type == "balance-updated",
                    OutboxEvent.sequence > completed.sequence,
                )
                .order_by(OutboxEvent.sequence)
            ).all()
        assert completed.type == "order-completed"
        assert completed.data.pop("latencyMs") >= 0
        assert completed.data == {
            "riskScore": "0.0000",
            "number": order["number"],
            "userId": str(buyer.id),
            "merchantId": str(seller.id),
            "productId": str(product_id),
            "quantity": 2,
            "discount": 0,
            "amount": 6000,
            "fee": 0,
            "currency": "USD",
        }
        assert [(e.data["userId"], e.data["amount"], e.data["balance"]) for e in balances] == [
            (str(buyer.id), -6000, 4000),
            (str(seller.id), 6000, 6000),
        ]

    def test_a_merchant_can_buy_from_another_merchant(self, client: FlaskClient) -> None:
        buyer = factories.actor(Role.MERCHANT, balance="10.00")

        answer = buy(client, buyer, factories.product(factories.merchant()))

        assert answer.status_code == 201

    def test_an_order_keeps_its_price(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, price="10.00")
        order_id = buy(client, buyer, product_id).json["id"]

        client.patch(
            f"/api/v1/products/{product_id}", json={"price": "99.00"}, headers=seller.headers
        )

        order = client.get(f"{ORDERS}/{order_id}", headers=buyer.headers).json
        assert (order["amount"], order["product"]["price"]) == ("10.00", "99.00")


class TestPlatformFee:
    def test_the_fee_is_deducted_from_the_merchant_s_earning(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(platform_fee_bps=250)
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="10.20", units=3)

        answer = buy(client, buyer, product_id)  # 2.5 % of 10.20 is 0.255

        assert answer.json["amount"] == "10.20"
        assert (balance(client, buyer), balance(client, seller)) == ("89.80", "9.94")
        with db.transaction() as session:
            (fee,) = session.scalars(
                select(WalletTransaction).where(
                    WalletTransaction.wallet_id == system_account(SystemCode.FEES, "USD").id
                )
            )
        assert (fee.amount, fee.type, str(fee.reference_id)) == (26, "FEE", answer.json["id"])
        assert [name for name, rows in violations() if rows] == []

    def test_the_fee_is_a_separate_row_of_the_history(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(platform_fee_bps=250)
        seller = factories.merchant()
        buy(client, factories.buyer(), factories.product(seller, price="10.00"))

        rows = client.get("/api/v1/wallet/transactions", headers=seller.headers).json["data"]

        assert [(r["type"], r["amount"], r["balanceAfter"]) for r in rows] == [
            ("FEE", "0.25", "9.75"),
            ("EARNING", "10.00", "10.00"),
        ]

    def test_the_fee_can_be_the_full_amount(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(platform_fee_bps=10_000)
        seller = factories.merchant()

        answer = buy(client, factories.buyer(), factories.product(seller))

        assert answer.status_code == 201
        assert balance(client, seller) == "0.00"


class TestRefusing:
    def test_an_unknown_product_is_not_found(self, client: FlaskClient) -> None:
        buyer = factories.buyer()

        assert refusal(buy(client, buyer, UNKNOWN)) == (404, "PRODUCT_NOT_FOUND")
        assert nothing_happened(client, buyer)

    def test_a_deleted_product_is_not_found(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller)
        client.delete(f"/api/v1/products/{product_id}", headers=seller.headers)

        assert refusal(buy(client, buyer, product_id)) == (404, "PRODUCT_NOT_FOUND")
        assert nothing_happened(client, buyer)

    def test_an_inactive_product_is_refused(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller)
        client.patch(
            f"/api/v1/products/{product_id}", json={"isActive": False}, headers=seller.headers
        )

        answer = buy(client, buyer, product_id)

        assert refusal(answer) == (400, "PRODUCT_INACTIVE")
        assert answer.json["message"] == "Product is not active"
        assert nothing_happened(client, buyer)

    @pytest.mark.parametrize(("stock", "quantity"), [(0, 1), (2, 3), (1, 1_000_000)])
    def test_a_quantity_above_the_stock_is_refused(
        self, client: FlaskClient, stock: int, quantity: int
    ) -> None:
        buyer = factories.buyer()
        product_id = factories.product(factories.merchant(), price="0.01", units=stock)

        answer = buy(client, buyer, product_id, quantity=quantity)

        assert refusal(answer) == (400, "PRODUCT_OUT_OF_STOCK")
        assert answer.json["details"] == {"requested": quantity, "available": stock}
        assert nothing_happened(client, buyer)
        assert units(client, product_id) == stock

    def test_insufficient_funds_state_required_and_available_amounts(
        self, client: FlaskClient
    ) -> None:
        buyer = factories.buyer("12.30")
        product_id = factories.product(factories.merchant(), price="25.00")

        answer = buy(client, buyer, product_id, quantity=2)

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert answer.json["message"] == "Insufficient funds. Required: $50.00, Available: $12.30"
        assert answer.json["details"] == {"required": "50.00", "available": "12.30"}
        assert nothing_happened(client, buyer, has="12.30")
        assert units(client, product_id) == 5

    def test_a_merchant_s_own_product_cannot_be_bought(self, client: FlaskClient) -> None:
        seller = factories.actor(Role.MERCHANT, balance="100.00")

        answer = buy(client, seller, factories.product(seller))

        assert refusal(answer) == (400, "CANNOT_BUY_OWN_PRODUCT")
        assert nothing_happened(client, seller)

    @pytest.mark.parametrize("whose", ["buyer", "seller"])
    def test_a_locked_wallet_neither_buys_nor_sells(self, client: FlaskClient, whose: str) -> None:
        people = {"seller": factories.merchant(), "buyer": factories.buyer()}
        product_id = factories.product(people["seller"])
        wallet_id = client.get("/api/v1/wallet", headers=people[whose].headers).json["id"]
        client.post(
            f"/api/v1/admin/wallets/{wallet_id}/lock",
            json={"reason": "Under review"},
            headers=factories.admin().headers,
        )

        assert refusal(buy(client, people["buyer"], product_id)) == (403, "WALLET_LOCKED")
        assert nothing_happened(client, people["buyer"])
        assert units(client, product_id) == 5

    def test_a_total_above_64_bits_does_not_overflow(self, client: FlaskClient) -> None:
        buyer = factories.buyer()
        product_id = factories.product(
            factories.merchant(), price="92233720368547758.07", units=1_000_000
        )

        answer = buy(client, buyer, product_id, quantity=1_000_000)

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert answer.json["details"]["required"] == "92233720368547758070000.00"
        assert nothing_happened(client, buyer)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("quantity", 0),
            ("quantity", -1),
            ("quantity", 1_000_001),
            ("quantity", 2**63),
            ("quantity", 1.0),
            ("quantity", 1.5),
            ("quantity", "1"),
            ("quantity", True),
            ("quantity", None),
            ("productId", None),
            ("productId", 5),
            ("productId", "abc"),
            ("productId", ""),
            ("productId", "{" + UNKNOWN + "}"),
            ("paymentMethod", None),
            ("paymentMethod", "CASH"),
            ("paymentMethod", "wallet"),
            ("amount", "0.01"),
            ("price", "0.01"),
            ("userId", UNKNOWN),
        ],
    )
    def test_invalid_fields_are_refused(self, client: FlaskClient, field: str, value: Any) -> None:
        buyer = factories.buyer()

        answer = buy(client, buyer, UNKNOWN, **{field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_a_deactivated_buyer_is_refused(self, client: FlaskClient) -> None:
        buyer = factories.buyer()
        product_id = factories.product(factories.merchant())
        client.post(
            f"/api/v1/admin/users/{buyer.id}/deactivate",
            json={"reason": "fraud"},
            headers=factories.admin().headers,
        )

        assert refusal(buy(client, buyer, product_id)) == (401, "UNAUTHORIZED")
        assert units(client, product_id) == 5
