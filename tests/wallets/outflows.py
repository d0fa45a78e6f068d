"""Every operation that takes money out of the caller's wallet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.wallets.models import TransactionType
from tests import factories
from tests.factories import Actor
from tests.orders.helpers import ORDERS
from tests.payment_requests.helpers import close_request, created_code, created_request, pay_code
from tests.payouts.helpers import create_payout
from tests.transfers.helpers import send
from tests.wallets.helpers import WALLET
from tests.wallets.holds.helpers import HOLDS

Headers = dict[str, str]

#: Spends an amount: (client, payer, payee, amount, headers).
Spend = Callable[[FlaskClient, Actor, Actor, str, Headers], TestResponse]


def withdraw(
    client: FlaskClient, payer: Actor, payee: Actor, amount: str, headers: Headers
) -> TestResponse:
    return client.post(
        f"{WALLET}/withdraw", json={"amount": amount}, headers=payer.headers | headers
    )


def pay_out(
    client: FlaskClient, payer: Actor, payee: Actor, amount: str, headers: Headers
) -> TestResponse:
    """To the bank account that the payer has saved."""
    (account,) = client.get(f"{WALLET}/bank-accounts", headers=payer.headers).json
    return create_payout(client, payer, account["id"], amount, headers=headers)


def transfer(
    client: FlaskClient, payer: Actor, payee: Actor, amount: str, headers: Headers
) -> TestResponse:
    return send(client, payer, payee, amount, headers=headers)


def pay_request(
    client: FlaskClient, payer: Actor, payee: Actor, amount: str, headers: Headers
) -> TestResponse:
    request = created_request(client, payee, amount=amount)
    return close_request(client, payer, request, "pay", headers=headers)


def pay_amount_by_code(
    client: FlaskClient, payer: Actor, payee: Actor, amount: str, headers: Headers
) -> TestResponse:
    code = created_code(client, payee)
    return pay_code(client, payer, code, json={"amount": amount}, headers=headers)


def buy_by_code(
    client: FlaskClient, payer: Actor, payee: Actor, amount: str, headers: Headers
) -> TestResponse:
    product_id = factories.product(payee, price=amount, name=f"Course {uuid4()}")
    code = created_code(client, payee, productId=str(product_id))
    return pay_code(client, payer, code, headers=headers)


def order(
    client: FlaskClient, payer: Actor, payee: Actor, amount: str, headers: Headers
) -> TestResponse:
    product_id = factories.product(payee, price=amount, name=f"Course {uuid4()}")
    body = {"productId": str(product_id), "paymentMethod": "WALLET"}
    return client.post(ORDERS, json=body, headers=payer.headers | headers)


def place_hold(
    client: FlaskClient, payer: Actor, payee: Actor, amount: str, headers: Headers
) -> TestResponse:
    body = {"payeeId": str(payee.id), "amount": amount}
    return client.post(HOLDS, json=body, headers=payer.headers | headers)


@dataclass(frozen=True)
class OutflowCase:
    """One way to take money out of a wallet.

    operation: its name in the OpenAPI document; kind: of the postings or the hold; new: the reason
    why a small amount needs a code at first, None if it does not.
    """

    operation: str
    kind: TransactionType
    spend: Spend
    new: str | None = None

    def __str__(self) -> str:
        return self.spend.__name__


CASES: Final = (
    OutflowCase("createWithdrawal", TransactionType.WITHDRAWAL, withdraw),
    OutflowCase("createPayout", TransactionType.PAYOUT, pay_out, new="NEW_BANK_ACCOUNT"),
    OutflowCase("createTransfer", TransactionType.TRANSFER_OUT, transfer, new="NEW_PAYEE"),
    OutflowCase("payPaymentRequest", TransactionType.TRANSFER_OUT, pay_request, new="NEW_PAYEE"),
    OutflowCase("payMerchantCode", TransactionType.TRANSFER_OUT, pay_amount_by_code, "NEW_PAYEE"),
    OutflowCase("payMerchantCode", TransactionType.PAYMENT, buy_by_code),
    OutflowCase("createOrder", TransactionType.PAYMENT, order),
    OutflowCase("createHold", TransactionType.PAYMENT, place_hold),
)

#: Operations that debit the wallet of a merchant who owes the money.
OBLIGATIONS: Final = {"createRefund", "approveRefundRequest", "refundAnyOrder"}
