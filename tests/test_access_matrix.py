"""Who may do what: every route for every kind of caller, in one table.

user, merchant and admin are strangers to what the path names; buyer and seller own it: the
buyer's order, on-ramp, payout, bank account and session, the seller's product, coupon and sale.
The buyer asks for a refund of another order and has promised money to the seller, and the seller
asks the buyer for money.
"""

import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.models import Role
from app.common.db import transaction
from app.reconciliation.statement import COLUMNS
from tests import factories
from tests.delivery.helpers import UNKNOWN
from tests.delivery.licences.helpers import STRANGE_KEY
from tests.payouts.helpers import bank_account_of, create_payout
from tests.wallets.helpers import set_limit

MATRIX = """
anonymous user merchant admin buyer seller
POST   /api/v1/auth/register                                     201 201 201 201 201 201
POST   /api/v1/auth/login                                        200 200 200 200 200 200
POST   /api/v1/auth/phone                                        200 200 200 200 200 200
POST   /api/v1/auth/refresh                                      401 401 401 401 401 401
POST   /api/v1/auth/logout                                       401 204 204 204 204 204
GET    /api/v1/auth/me                                           401 200 200 200 200 200
PATCH  /api/v1/auth/me                                           401 200 200 200 200 200
POST   /api/v1/auth/password                                     401 204 204 204 204 204
GET    /api/v1/auth/sessions                                     401 200 200 200 200 200
DELETE /api/v1/auth/sessions/{login_session_id}                  401 404 404 404 204 404
GET    /api/v1/auth/two-factor                                   401 200 200 200 200 200
POST   /api/v1/auth/two-factor                                   401 201 201 201 201 201
POST   /api/v1/auth/two-factor/confirm                           401 409 409 409 409 409
DELETE /api/v1/auth/two-factor                                   401 409 409 409 409 409
POST   /api/v1/auth/two-factor/recovery-codes                    401 409 409 409 409 409
POST   /api/v1/auth/api-keys                                     401 403 201 403 403 201
GET    /api/v1/auth/api-keys                                     401 403 200 403 403 200
DELETE /api/v1/auth/api-keys/{api_key_id}                        401 403 404 403 403 204
GET    /api/v1/wallet                                            401 200 200 200 200 200
POST   /api/v1/wallet/deposit                                    401 200 200 200 200 200
POST   /api/v1/wallet/withdraw                                   401 200 200 200 200 200
GET    /api/v1/wallet/transactions                               401 200 200 200 200 200
GET    /api/v1/wallet/statement                                  401 200 200 200 200 200
GET    /api/v1/wallet/limits                                     401 200 200 200 200 200
POST   /api/v1/wallet/holds                                      401 201 201 201 201 201
GET    /api/v1/wallet/holds                                      401 200 200 200 200 200
GET    /api/v1/wallet/holds/{hold_id}                            401 404 404 404 200 200
POST   /api/v1/wallet/holds/{hold_id}/capture                    401 404 404 404 403 200
POST   /api/v1/wallet/holds/{hold_id}/void                       401 404 404 404 403 200
GET    /api/v1/products                                          200 200 200 200 200 200
POST   /api/v1/products                                          401 403 201 403 403 201
GET    /api/v1/products/merchant/my-products                     401 403 200 403 403 200
GET    /api/v1/products/merchant/export                          401 403 200 403 403 200
POST   /api/v1/products/import                                   401 403 200 403 403 200
GET    /api/v1/products/{product_id}                             200 200 200 200 200 200
PATCH  /api/v1/products/{product_id}                             401 403 403 403 403 200
DELETE /api/v1/products/{product_id}                             401 403 403 403 403 200
POST   /api/v1/products/{product_id}/codes                       401 403 403 403 403 400
GET    /api/v1/products/{product_id}/codes                       401 403 403 403 403 200
GET    /api/v1/products/{product_id}/codes/summary               401 403 403 403 403 200
GET    /api/v1/products/{product_id}/codes/uploads               401 403 403 403 403 200
GET    /api/v1/products/{product_id}/codes/uploads/{upload_id}   401 403 403 403 403 404
DELETE /api/v1/products/{product_id}/codes/{code_id}             401 403 403 403 403 404
GET    /api/v1/products/{product_id}/licence-terms               401 403 403 403 403 400
PUT    /api/v1/products/{product_id}/licence-terms               401 403 403 403 403 400
GET    /api/v1/products/{product_id}/licences                    401 403 403 403 403 200
POST   /api/v1/licences/validate                                 404 404 404 404 404 404
POST   /api/v1/licences/activate                                 404 404 404 404 404 404
POST   /api/v1/licences/deactivate                               404 404 404 404 404 404
PUT    /api/v1/products/{product_id}/file                        401 403 403 403 403 400
GET    /api/v1/products/{product_id}/file                        401 403 403 403 403 404
DELETE /api/v1/products/{product_id}/file                        401 403 403 403 403 404
POST   /api/v1/orders                                            401 201 201 201 201 400
GET    /api/v1/orders                                            401 200 200 200 200 200
GET    /api/v1/orders/merchant/sales                             401 403 200 403 403 200
GET    /api/v1/orders/merchant/sales/export                      401 403 200 403 403 200
GET    /api/v1/orders/merchant/summary                           401 403 200 403 403 200
GET    /api/v1/orders/{order_id}                                 401 404 404 404 200 200
POST   /api/v1/orders/{order_id}/cancel                          401 404 404 404 409 404
GET    /api/v1/orders/{order_id}/delivery                        401 404 404 404 200 404
POST   /api/v1/orders/{order_id}/refunds                         401 403 404 403 403 201
GET    /api/v1/orders/{order_id}/refunds                         401 404 404 404 200 200
POST   /api/v1/orders/{order_id}/refund-requests                 401 404 404 404 201 404
GET    /api/v1/refund-requests                                   401 200 200 200 200 200
POST   /api/v1/refund-requests/{refund_request_id}/approve       401 403 404 403 403 200
POST   /api/v1/refund-requests/{refund_request_id}/decline       401 403 404 403 403 200
POST   /api/v1/refund-requests/{refund_request_id}/withdraw      401 404 404 404 200 404
POST   /api/v1/coupons                                           401 403 201 403 403 201
GET    /api/v1/coupons                                           401 403 200 403 403 200
GET    /api/v1/coupons/{coupon_id}                               401 403 404 403 403 200
PATCH  /api/v1/coupons/{coupon_id}                               401 403 404 403 403 200
DELETE /api/v1/coupons/{coupon_id}                               401 403 404 403 403 204
POST   /api/v1/orders/{order_id}/downloads/reset                 401 403 404 403 403 404
GET    /api/v1/downloads/{download_token}                        404 404 404 404 404 404
POST   /api/v1/transfers                                         401 201 201 201 201 201
GET    /api/v1/transfers                                         401 200 200 200 200 200
GET    /api/v1/transfers/recipient                               401 200 200 200 200 200
GET    /api/v1/transfers/{transfer_id}                           401 404 404 404 200 200
POST   /api/v1/payment-requests                                  401 201 201 201 201 201
GET    /api/v1/payment-requests                                  401 200 200 200 200 200
GET    /api/v1/payment-requests/by-token/{payment_request_token} 200 200 200 200 200 200
GET    /api/v1/payment-requests/{payment_request_id}             401 404 404 404 200 200
POST   /api/v1/payment-requests/{payment_request_id}/pay         401 404 404 404 201 400
POST   /api/v1/payment-requests/{payment_request_id}/decline     401 404 404 404 200 403
POST   /api/v1/payment-requests/{payment_request_id}/cancel      401 404 404 404 403 200
GET    /api/v1/payment-requests/{payment_request_id}/qr.svg      401 404 404 404 200 200
GET    /api/v1/payment-requests/{payment_request_id}/qr.png      401 404 404 404 200 200
POST   /api/v1/merchant-codes                                    401 403 201 403 403 201
GET    /api/v1/merchant-codes                                    401 403 200 403 403 200
GET    /api/v1/merchant-codes/by-token/{merchant_code_token}     200 200 200 200 200 200
GET    /api/v1/merchant-codes/{merchant_code_id}                 401 403 404 403 403 200
POST   /api/v1/merchant-codes/{merchant_code_id}/deactivate      401 403 404 403 403 200
GET    /api/v1/merchant-codes/{merchant_code_id}/qr.svg          401 403 404 403 403 200
GET    /api/v1/merchant-codes/{merchant_code_id}/qr.png          401 403 404 403 403 200
GET    /api/v1/merchant-codes/{merchant_code_id}/sheet.svg       401 403 404 403 403 200
POST   /api/v1/merchant-codes/{merchant_code_token}/pay          401 201 201 201 201 400
POST   /api/v1/onramp                                            401 201 201 201 201 201
GET    /api/v1/onramp                                            401 200 200 200 200 200
GET    /api/v1/onramp/providers                                  200 200 200 200 200 200
GET    /api/v1/onramp/{onramp_id}                                401 404 404 404 200 404
GET    /api/v1/wallet/bank-accounts                              401 200 200 200 200 200
POST   /api/v1/wallet/bank-accounts                              401 201 201 201 201 201
DELETE /api/v1/wallet/bank-accounts/{bank_account_id}            401 404 404 404 204 404
POST   /api/v1/wallet/payouts                                    401 404 404 404 201 404
GET    /api/v1/wallet/payouts                                    401 200 200 200 200 200
GET    /api/v1/wallet/payouts/{payout_id}                        401 404 404 404 200 404
POST   /api/v1/onramp/webhooks/{provider}                        401 401 401 401 401 401
POST   /api/v1/webhooks/stripe                                   401 401 401 401 401 401
POST   /api/v1/admin/reconciliations                             401 403 403 200 403 403
POST   /api/v1/admin/users/{user_id}/deactivate                  401 403 403 200 403 403
POST   /api/v1/admin/users/{user_id}/activate                    401 403 403 200 403 403
POST   /api/v1/admin/users/{user_id}/reset-two-factor            401 403 403 409 403 403
GET    /api/v1/admin/users/{user_id}/limits                      401 403 403 200 403 403
PUT    /api/v1/admin/users/{user_id}/limits                      401 403 403 200 403 403
DELETE /api/v1/admin/users/{user_id}/limits                      401 403 403 204 403 403
PUT    /api/v1/admin/roles/{role}/limits                         401 403 403 200 403 403
GET    /api/v1/admin/merchants/{merchant_id}/fee                 401 403 403 200 403 403
PUT    /api/v1/admin/merchants/{merchant_id}/fee                 401 403 403 200 403 403
DELETE /api/v1/admin/merchants/{merchant_id}/fee                 401 403 403 200 403 403
POST   /api/v1/admin/wallets/{wallet_id}/lock                    401 403 403 200 403 403
POST   /api/v1/admin/wallets/{wallet_id}/unlock                  401 403 403 200 403 403
GET    /api/openapi.json                                         200 200 200 200 200 200
GET    /api/docs                                                 200 200 200 200 200 200
GET    /api/docs/assets/{name}                                   200 200 200 200 200 200
GET    /api/redoc                                                200 200 200 200 200 200
GET    /pay/{token}                                              200 200 200 200 200 200
GET    /pay/assets/{asset_name}                                  200 200 200 200 200 200
GET    /checkout/return                                          200 200 200 200 200 200
GET    /checkout/assets/{asset_name}                             200 200 200 200 200 200
GET    /health/live                                              200 200 200 200 200 200
GET    /health/ready                                             200 200 200 200 200 200
GET    /metrics                                                  404 404 404 404 404 404
"""

Route = tuple[str, str]

_HEAD, *_ROWS = (line.split() for line in MATRIX.strip().splitlines())
CALLERS = tuple(_HEAD)
EXPECTED: dict[Route, dict[str, int]] = {
    (method, path): dict(zip(CALLERS, map(int, statuses), strict=True))
    for method, path, *statuses in _ROWS
}

#: Whose 401 does not speak of an access token: a refresh token and the signature of a bank or the
#: gateway are credentials of their own.
OTHERWISE_GUARDED = {
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/onramp/webhooks/{provider}"),
    ("POST", "/api/v1/webhooks/stripe"),
}
TOKEN_NEEDED = [
    route
    for route, row in EXPECTED.items()
    if row["anonymous"] == 401 and route not in OTHERWISE_GUARDED
]

#: What is sent; names in braces are filled in from the world.
BODIES: dict[Route, dict[str, Any]] = {
    ("POST", "/api/v1/auth/register"): {
        "email": "new-{caller}@example.com",
        "password": "a-fine-secret-1",
        "role": "USER",
    },
    ("POST", "/api/v1/auth/login"): {"email": "{email}", "password": factories.PASSWORD},
    ("POST", "/api/v1/auth/phone"): {"phone": "{phone}", "password": factories.PASSWORD},
    ("POST", "/api/v1/auth/refresh"): {"refreshToken": "{access_token}"},
    ("PATCH", "/api/v1/auth/me"): {"firstName": "Alice"},
    ("POST", "/api/v1/auth/password"): {
        "currentPassword": factories.PASSWORD,
        "newPassword": "a-fine-secret-2",
    },
    ("POST", "/api/v1/auth/two-factor"): {"password": factories.PASSWORD},
    ("POST", "/api/v1/auth/two-factor/confirm"): {"code": "492039"},
    ("DELETE", "/api/v1/auth/two-factor"): {"password": factories.PASSWORD, "code": "492039"},
    ("POST", "/api/v1/auth/two-factor/recovery-codes"): {"code": "492039"},
    ("POST", "/api/v1/auth/api-keys"): {
        "name": "Shop server",
        "scopes": ["products:write", "orders:read"],
        "password": factories.PASSWORD,
    },
    ("POST", "/api/v1/wallet/deposit"): {"amount": "5.00"},
    ("POST", "/api/v1/wallet/withdraw"): {"amount": "5.00"},
    ("POST", "/api/v1/wallet/holds"): {"payeeId": "{payee_id}", "amount": "5.00"},
    ("POST", "/api/v1/wallet/bank-accounts"): {
        "provider": "AXIS",
        "holder": "Alice Jones",
        "number": "60200987654321",
        "routing": "UTIB0000123",
    },
    ("POST", "/api/v1/wallet/payouts"): {"bankAccountId": "{bank_account_id}", "amount": "5.00"},
    ("POST", "/api/v1/products"): {"name": "Course", "price": "5.00", "availableUnits": 1},
    ("PATCH", "/api/v1/products/{product_id}"): {"name": "Course, second edition"},
    ("PUT", "/api/v1/products/{product_id}/licence-terms"): {
        "activationLimit": 3,
        "validDays": None,
    },
    ("POST", "/api/v1/licences/validate"): {"key": STRANGE_KEY},
    ("POST", "/api/v1/licences/activate"): {"key": STRANGE_KEY, "instance": "machine"},
    ("POST", "/api/v1/licences/deactivate"): {"key": STRANGE_KEY, "instance": "machine"},
    ("POST", "/api/v1/orders"): {"productId": "{product_id}", "paymentMethod": "WALLET"},
    ("POST", "/api/v1/orders/{order_id}/refund-requests"): {"reason": "It does not work"},
    ("POST", "/api/v1/coupons"): {"code": "SUMMER", "kind": "PERCENT", "value": "10"},
    ("PUT", "/api/v1/admin/merchants/{merchant_id}/fee"): {"bps": 100},
    ("POST", "/api/v1/transfers"): {"recipient": {"userId": "{user_id}"}, "amount": "1.00"},
    ("POST", "/api/v1/payment-requests"): {"payer": {"email": "{email}"}, "amount": "1.00"},
    ("POST", "/api/v1/merchant-codes"): {"amount": "1.00"},
    ("POST", "/api/v1/onramp"): {"provider": "HDFC", "amount": "5.00"},
    ("POST", "/api/v1/admin/users/{user_id}/deactivate"): {"reason": "asked for"},
    ("POST", "/api/v1/admin/users/{user_id}/activate"): {"reason": "asked for"},
    ("POST", "/api/v1/admin/users/{user_id}/reset-two-factor"): {"reason": "asked for"},
    ("PUT", "/api/v1/admin/users/{user_id}/limits"): {
        "type": "DEPOSIT",
        "window": "DAY",
        "amount": "1.00",
    },
    ("PUT", "/api/v1/admin/roles/{role}/limits"): {
        "type": "DEPOSIT",
        "window": "DAY",
        "amount": "1000.00",
    },
    ("POST", "/api/v1/admin/wallets/{wallet_id}/lock"): {"reason": "asked for"},
    ("POST", "/api/v1/admin/wallets/{wallet_id}/unlock"): {"reason": "asked for"},
}

#: What is asked for besides the path.
QUERIES: dict[Route, dict[str, str]] = {
    ("GET", "/api/v1/transfers/recipient"): {"email": "{email}"},
    ("PUT", "/api/v1/products/{product_id}/file"): {"name": "guide.pdf"},
    ("DELETE", "/api/v1/admin/users/{user_id}/limits"): {"type": "DEPOSIT", "window": "DAY"},
    ("POST", "/api/v1/admin/reconciliations"): {
        "provider": "HDFC",
        "from": "2026-11-01",
        "to": "2026-11-02",
    },
}

#: What is sent otherwise than as JSON.
OTHERWISE: dict[Route, dict[str, Any]] = {
    ("POST", "/api/v1/admin/reconciliations"): {
        "data": ",".join(COLUMNS),
        "content_type": "text/csv",
    },
    ("POST", "/api/v1/products/{product_id}/codes"): {
        "data": "GIFT-7F3A-21C9",
        "content_type": "text/plain",
    },
    ("PUT", "/api/v1/products/{product_id}/file"): {
        "data": b"the bytes of a file",
        "content_type": "application/pdf",
    },
    ("POST", "/api/v1/products/import"): {
        "data": "name,price,availableUnits\r\nCourse,5.00,1\r\n",
        "content_type": "text/csv",
    },
}

#: Roles by the callers who have them.
_ROLES = {
    "user": Role.USER,
    "buyer": Role.USER,
    "merchant": Role.MERCHANT,
    "seller": Role.MERCHANT,
    "admin": Role.ADMIN,
}


class World:
    """Six callers, and what the paths name."""

    def __init__(self, client: FlaskClient) -> None:
        self.actors = {
            name: factories.actor(role, balance="100.00") for name, role in _ROLES.items()
        }
        buyer, seller = self.actors["buyer"], self.actors["seller"]
        product_id = factories.product(seller, price="10.00", units=50)
        wish = {"productId": str(product_id), "paymentMethod": "WALLET"}
        order, other_order = (_post(client, buyer, "orders", wish) for _ in range(2))
        refund_request = _post(
            client, buyer, f"orders/{other_order['id']}/refund-requests", {"reason": "No use"}
        )
        coupon = _post(
            client, seller, "coupons", {"code": "SPRING", "kind": "FIXED", "value": "1.00"}
        )
        transfer = _post(
            client,
            buyer,
            "transfers",
            {"recipient": {"userId": str(seller.id)}, "amount": "1.00"},
        )
        request = _post(
            client,
            seller,
            "payment-requests",
            {"payer": {"userId": str(buyer.id)}, "amount": "1.00"},
        )
        code = _post(client, seller, "merchant-codes", {"amount": "1.00"})
        onramp = _post(client, buyer, "onramp", {"provider": "HDFC", "amount": "5.00"})
        payee = factories.merchant()
        hold = _post(client, buyer, "wallet/holds", {"payeeId": str(seller.id), "amount": "5.00"})
        bank_account_id = bank_account_of(client, buyer)
        payout = create_payout(client, buyer, bank_account_id, "5.00").json
        target = factories.actor(balance="100.00", phone="+14155550100")
        set_limit(client, target, "DEPOSIT", "DAY", "1000.00")
        self.names = {
            "product_id": str(product_id),
            "order_id": order["id"],
            "refund_request_id": refund_request["id"],
            "coupon_id": coupon["id"],
            "merchant_id": str(payee.id),
            "transfer_id": transfer["id"],
            "payment_request_id": request["id"],
            "payment_request_token": request["token"],
            "token": request["token"],
            "code_id": code["id"],
            "merchant_code_id": code["id"],
            "merchant_code_token": code["token"],
            "upload_id": UNKNOWN,
            "download_token": "A" * 116,
            "onramp_id": onramp["id"],
            "hold_id": hold["id"],
            "payee_id": str(payee.id),
            "role": Role.USER,
            "bank_account_id": bank_account_id,
            "payout_id": payout["id"],
            "login_session_id": str(buyer.session_id),
            "api_key_id": str(factories.api_key(seller).id),
            "user_id": str(target.id),
            "wallet_id": str(_wallet_of(target.id)),
            "name": "swagger.js",
            "asset_name": "icon.svg",
            "provider": "HDFC",
            "access_token": buyer.token,
            "email": target.email,
            "phone": "+14155550100",
        }

    def call(self, client: FlaskClient, route: Route, caller: str) -> int:
        method, path = route
        names = self.names | {"caller": caller}
        headers = self.actors[caller].headers if caller in self.actors else {}
        sent = OTHERWISE.get(route) or {"json": _filled(BODIES.get(route), names)}
        with client.open(
            path.format(**names),
            method=method,
            query_string=_filled(QUERIES.get(route), names),
            headers=headers,
            **sent,
        ) as answer:
            return answer.status_code


def _filled(value: Any, names: dict[str, str]) -> Any:
    """The value with its names in braces replaced."""
    if isinstance(value, dict):
        return {key: _filled(part, names) for key, part in value.items()}
    return value.format(**names) if isinstance(value, str) else value


def _post(client: FlaskClient, caller: factories.Actor, path: str, body: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/{path}", json=body, headers=caller.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def _wallet_of(user_id: UUID) -> UUID:
    with transaction() as session:
        return factories.wallet(session, user_id).id


@pytest.mark.parametrize("route", EXPECTED, ids=" ".join)
def test_each_caller_gets_the_status_of_the_table(client: FlaskClient, route: Route) -> None:
    world = World(client)
    assert {caller: world.call(client, route, caller) for caller in CALLERS} == EXPECTED[route]


def test_the_table_has_exactly_the_routes_there_are(app: Flask) -> None:
    assert set(routes_of(app)) == set(EXPECTED)


def test_every_body_and_query_belongs_to_a_row() -> None:
    assert set(BODIES) | set(QUERIES) | set(OTHERWISE) <= set(EXPECTED)


def test_the_document_has_exactly_the_routes_of_the_api(app: Flask) -> None:
    assert set(operations_of(app)) == {route for route in EXPECTED if "/api/v1/" in route[1]}


def test_exactly_the_routes_that_need_a_token_are_documented_so(app: Flask) -> None:
    secured = {
        route for route, operation in operations_of(app).items() if operation.get("security")
    }
    assert secured == set(TOKEN_NEEDED)


@pytest.mark.parametrize("route", TOKEN_NEEDED, ids=" ".join)
def test_nothing_but_a_valid_token_opens_what_needs_one(client: FlaskClient, route: Route) -> None:
    method, path = route
    somebody = factories.admin()
    url = re.sub(r"{\w+}", str(somebody.id), path)
    for header in ("", "Bearer", "Bearer nonsense", somebody.token, f"Basic {somebody.token}"):
        answer = client.open(url, method=method, headers={"Authorization": header})
        assert (answer.status_code, answer.json["error"]) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_roles_that_views_declare_are_those_of_the_table(app: Flask) -> None:
    declared = {
        route: set(getattr(app.view_functions[endpoint], "required_roles", ()))
        for route, endpoint in routes_of(app).items()
    }
    assert declared == {
        route: {_ROLES[caller] for caller in _ROLES if row[caller] != 403}
        if route in TOKEN_NEEDED
        else set()
        for route, row in EXPECTED.items()
    }


def test_the_document_names_the_roles_that_views_declare(app: Flask) -> None:
    endpoints = routes_of(app)
    for route, operation in operations_of(app).items():
        declared = getattr(app.view_functions[endpoints[route]], "required_roles", ())
        assert set(operation.get("x-required-roles", declared and Role)) == set(declared), route


def routes_of(app: Flask) -> dict[Route, str]:
    """Every route with its endpoint."""
    return {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def operations_of(app: Flask) -> dict[Route, dict[str, Any]]:
    """Every operation of the document."""
    document = app.test_client().get("/api/openapi.json").json
    return {
        (method.upper(), path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    }
