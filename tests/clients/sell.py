"""Sells, refunds and reads sales with the generated client. Arguments: the address of the API."""

import sys
from typing import Any
from uuid import uuid4

from payment_flow_client import AuthenticatedClient, Client, models
from payment_flow_client.api.accounts import register_user
from payment_flow_client.api.orders import create_order, list_sales
from payment_flow_client.api.products import create_product
from payment_flow_client.api.refunds import create_refund
from payment_flow_client.api.wallet import create_deposit, get_wallet

URL = sys.argv[1]


def register(role: models.RegisterUserRole) -> AuthenticatedClient:
    account = models.RegisterUser(
        email=f"{uuid4().hex}@example.com", password="a-fine-secret-17", role=role
    )
    session = answered(register_user.sync(client=Client(URL), body=account))
    return AuthenticatedClient(URL, token=session.access_token)


def answered(answer: Any) -> Any:
    assert answer is not None, "no answer"
    assert not isinstance(answer, models.Error), answer
    return answer


shop, buyer = (
    register(models.RegisterUserRole.MERCHANT),
    register(models.RegisterUserRole.USER),
)
product = answered(
    create_product.sync(
        client=shop,
        body=models.CreateProduct(name="Field Guide", price="19.99", available_units=5),
    )
)
answered(create_deposit.sync(client=buyer, body=models.CreateDeposit(amount="100.00")))
order = answered(
    create_order.sync(
        client=buyer,
        body=models.CreateOrder(
            product_id=product.id,
            payment_method=models.CreateOrderPaymentMethod.WALLET,
            quantity=2,
        ),
    )
)
assert isinstance(order, models.Order), type(order)
refund = answered(create_refund.sync(order.id, client=shop, body=models.CreateRefund(units=1)))
sales = answered(list_sales.sync(client=shop))
wallet = answered(get_wallet.sync(client=buyer))
print(order.amount, refund.amount, sales.data[0].refunded_amount, wallet.balance)  # noqa: T201 – for the test
