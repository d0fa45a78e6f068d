"""No response tells a user more about another person than everyone may know."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.auth import service as auth
from app.common.db import transaction
from tests.operations.access_matrix import EXPECTED, Route
from tests.operations.sample_requests import SampleData

#: Administrators know everybody.
CALLERS = ("anonymous", "user", "merchant", "buyer", "seller")
SHOP_NAME = "Halfpenny Tea Rooms"
#: Whose email addresses others see: merchants know their buyers (`user.email` of a sale).
CUSTOMERS = {("seller", "buyer")}
#: Sign-in answers the account that signs in.
ROUTES = [route for route in EXPECTED if not route[1].startswith("/api/v1/auth/")]


@dataclass(frozen=True)
class Person:
    first: str
    last: str
    email: str


@pytest.fixture
def people(app: object, data: SampleData) -> dict[str, Person]:
    """The users of the sample data, with names that occur nowhere else. The seller has a shop."""
    ids = {name: actor.id for name, actor in data.actors.items()}
    ids |= {"payee": UUID(data.names["payee_id"]), "target": UUID(data.names["user_id"])}
    found = {}
    with transaction() as session:
        users = auth.get_users_by_id(session, list(ids.values()))
        for number, (name, user_id) in enumerate(ids.items()):
            user = users[user_id]
            user.first_name, user.last_name = f"Wilfreda{number}", f"Qwelthorpe{number}"
            found[name] = Person(user.first_name, user.last_name, user.email or "")
        users[ids["seller"]].shop_name = SHOP_NAME
    return found


def text_of(client: FlaskClient, data: SampleData, route: Route, caller: str) -> str:
    with data.send(client, route, caller) as response:
        is_image = response.mimetype in ("image/png", "image/webp")
        return "" if is_image else response.get_data(as_text=True)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_response_names_no_other_person(
    client: FlaskClient, data: SampleData, people: dict[str, Person], route: Route
) -> None:
    for caller in CALLERS:
        if EXPECTED[route][caller] >= 300:
            continue
        shown = text_of(client, data, route, caller)
        for name, person in people.items():
            if name == caller:
                continue
            assert person.last not in shown
            if name == "seller":
                assert person.first not in shown
            if (caller, name) not in CUSTOMERS:
                assert person.email not in shown


def test_the_name_of_the_shop_is_what_buyers_see(
    client: FlaskClient, data: SampleData, people: dict[str, Person]
) -> None:
    naming = {
        path
        for method, path in ROUTES
        if method == "GET" and SHOP_NAME in text_of(client, data, (method, path), "buyer")
    }
    assert naming == {
        "/api/v1/products",
        "/api/v1/products/{product_id}",
        "/api/v1/orders/{order_id}",
        "/api/v1/transfers",
        "/api/v1/transfers/{transfer_id}",
        "/api/v1/payment-requests",
        "/api/v1/payment-requests/{payment_request_id}",
        "/api/v1/payment-requests/by-token/{payment_request_token}",
        "/api/v1/merchant-codes/by-token/{merchant_code_token}",
        "/pay/{token}",
        "/orders/{page_token}",
        "/giveaways/{giveaway_token}",
        "/receipts/{receipt_token}",
        "/orders/{page_token}/receipt",
    }
