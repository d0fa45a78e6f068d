"""A valid request to each endpoint, and the records that it refers to."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.auth.models import Role
from app.common.db import transaction
from app.inbox.errors import QuarantineReason
from app.notifications import links as unsubscribe_links
from app.notifications.links import Subscription
from app.notifications.models import Channel, Kind
from app.orders.order_page.links import LINKS
from app.reconciliation.layout import OURS as COLUMNS
from app.transfers.receipts.links import LINKS as RECEIPTS
from tests import factories
from tests.delivery.helpers import UNKNOWN
from tests.delivery.licences.helpers import UNKNOWN_KEY
from tests.events.relaying import parked_event
from tests.images.helpers import picture, shown
from tests.inbox.quarantine import quarantined_event
from tests.notifications.helpers import notification_of
from tests.operations.access_matrix import ROLES, Route
from tests.payouts.helpers import bank_account_of, create_payout
from tests.wallets.helpers import latest_transaction, set_limit

#: A rule that matches nothing that a sample request does.
RISK_RULE: dict[str, Any] = {
    "name": "Nothing",
    "conditions": {"all": [{"field": "amount", "operator": "<", "value": "0.001"}]},
    "outcome": "SCORE",
}


PERIOD = {"from": "2026-11-01", "to": "2026-11-20"}

#: JSON bodies. Names in braces are replaced by those of the sample data.
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
    ("PATCH", "/api/v1/shop"): {"name": "Corner Bakery"},
    ("POST", "/api/v1/auth/password"): {
        "currentPassword": factories.PASSWORD,
        "newPassword": "a-fine-secret-2",
    },
    ("POST", "/api/v1/auth/password/forgotten"): {"email": "{email}"},
    ("POST", "/api/v1/auth/password/reset"): {
        "resetToken": "A" * 48,
        "newPassword": "a-fine-secret-2",
    },
    ("POST", "/api/v1/auth/email"): {
        "newEmail": "other-{caller}@example.com",
        "password": factories.PASSWORD,
    },
    ("POST", "/api/v1/auth/email/verification/confirm"): {"verificationToken": "A" * 48},
    ("POST", "/api/v1/auth/phone/verification"): {"phone": "{phone}"},
    ("POST", "/api/v1/auth/phone/verification/confirm"): {"phoneCode": "492039"},
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
        "password": factories.PASSWORD,
    },
    ("POST", "/api/v1/wallet/payouts"): {"bankAccountId": "{bank_account_id}", "amount": "5.00"},
    ("POST", "/api/v1/products"): {"name": "Course", "price": "5.00", "availableUnits": 1},
    ("PATCH", "/api/v1/products/{product_id}"): {"name": "Course, second edition"},
    ("POST", "/api/v1/products/{product_id}/file/upload"): {"name": "guide.pdf", "size": 1000},
    ("POST", "/api/v1/products/{product_id}/file/upload/{upload_id}/complete"): {"sha256": None},
    ("PUT", "/api/v1/products/{product_id}/licence-terms"): {
        "activationLimit": 3,
        "validDays": None,
    },
    ("POST", "/api/v1/products/{product_id}/codes/{code_id}/revoke"): {"reason": "Published"},
    ("POST", "/api/v1/products/{product_id}/codes/{code_id}/reissue"): {"reason": "Published"},
    ("POST", "/api/v1/products/{product_id}/licences/{licence_id}/revoke"): {"reason": "Published"},
    ("POST", "/api/v1/products/{product_id}/licences/{licence_id}/reissue"): {
        "reason": "Published"
    },
    ("POST", "/api/v1/licences/validate"): {"key": UNKNOWN_KEY},
    ("POST", "/api/v1/licences/file"): {"key": UNKNOWN_KEY, "instance": "machine"},
    ("POST", "/api/v1/licences/activate"): {"key": UNKNOWN_KEY, "instance": "machine"},
    ("POST", "/api/v1/licences/deactivate"): {"key": UNKNOWN_KEY, "instance": "machine"},
    ("POST", "/api/v1/orders"): {"productId": "{product_id}", "paymentMethod": "WALLET"},
    ("POST", "/api/v1/orders/{order_id}/refund-requests"): {"reason": "It does not work"},
    ("POST", "/api/v1/coupons"): {"code": "SUMMER", "kind": "PERCENT", "value": "10"},
    ("PATCH", "/api/v1/products/{product_id}/images/{image_id}"): {"alt": "The cover"},
    ("POST", "/api/v1/admin/risk/rules"): {"key": "small", **RISK_RULE},
    ("PATCH", "/api/v1/admin/risk/rules/{rule_id}"): {"name": "Small amounts"},
    ("POST", "/api/v1/admin/risk/lists"): {
        "list": "BLOCK",
        "kind": "DEVICE",
        "value": "curl/7",
        "reason": "A robot",
    },
    ("POST", "/api/v1/admin/risk/cases/{case_id}/assign"): {"assigneeId": None},
    ("POST", "/api/v1/admin/risk/cases/{case_id}/snooze"): {"until": "2100-01-01T00:00:00Z"},
    ("POST", "/api/v1/admin/risk/cases/{case_id}/notes"): {"text": "Called them"},
    ("POST", "/api/v1/admin/risk/cases/{case_id}/release"): {},
    ("POST", "/api/v1/admin/risk/cases/{case_id}/reject"): {"reason": "Stolen"},
    ("POST", "/api/v1/admin/categories"): {"slug": "audio-books", "name": "Audio books"},
    ("PATCH", "/api/v1/admin/categories/{category_id}"): {"name": "Audiobooks"},
    ("POST", "/api/v1/giveaways"): {
        "productId": "{product_id}",
        "name": "Conference",
        "kind": "LINK",
        "units": 5,
    },
    ("POST", "/api/v1/webhook-endpoints"): {"url": "https://shop.example.com/hooks"},
    ("PATCH", "/api/v1/webhook-endpoints/{endpoint_id}"): {"isThin": True},
    ("POST", "/api/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): {"overlapDays": 1},
    ("POST", "/api/v1/admin/risk/backtests"): {"ruleId": "{rule_id}", **PERIOD},
    ("POST", "/api/v1/webhook-endpoints/{endpoint_id}/replays"): {"deliveryIds": ["{delivery_id}"]},
    ("PUT", "/api/v1/admin/merchants/{merchant_id}/fee"): {"bps": 100},
    ("POST", "/api/v1/transfers"): {"recipient": {"userId": "{user_id}"}, "amount": "1.00"},
    ("POST", "/api/v1/payment-requests"): {"payer": {"email": "{email}"}, "amount": "1.00"},
    ("POST", "/api/v1/merchant-codes"): {"amount": "1.00"},
    ("POST", "/api/v1/onramp"): {"provider": "HDFC", "amount": "5.00"},
    ("POST", "/api/v1/admin/users/{user_id}/deactivate"): {"reason": "On request"},
    ("POST", "/api/v1/admin/users/{user_id}/activate"): {"reason": "On request"},
    ("POST", "/api/v1/admin/users/{user_id}/revoke-sessions"): {"reason": "On request"},
    ("POST", "/api/v1/admin/users/{user_id}/reset-two-factor"): {"reason": "On request"},
    ("PUT", "/api/v1/admin/users/{user_id}/limits"): {
        "type": "DEPOSIT",
        "window": "DAY",
        "amount": "1.00",
    },
    ("PUT", "/api/v1/admin/users/{user_id}/quotas"): {"quota": "PRODUCTS", "maximum": 100},
    ("PUT", "/api/v1/admin/roles/{role}/limits"): {
        "type": "DEPOSIT",
        "window": "DAY",
        "amount": "1000.00",
    },
    ("POST", "/api/v1/admin/refunds/{refund_id}/settle"): {
        "destination": "WALLET",
        "reason": "On request",
    },
    ("POST", "/api/v1/admin/orders/{order_id}/refunds"): {"units": 1, "reason": "On request"},
    ("PUT", "/api/v1/notifications/preferences"): {
        "preferences": [{"kind": "SALE", "email": False}]
    },
    ("POST", "/api/v1/admin/wallets/{wallet_id}/lock"): {"reason": "On request"},
    ("POST", "/api/v1/admin/wallets/{wallet_id}/unlock"): {"reason": "On request"},
}

for action in ("retry", "dismiss"):
    BODIES["POST", f"/api/v1/admin/inbound-events/{{event_id}}/{action}"] = {
        "reason": "Settled with the bank"
    }

for action in ("retry", "skip"):
    BODIES["POST", f"/api/v1/admin/events/{{held_event_id}}/{action}"] = {
        "sink": "{sink_name}",
        "reason": "Settled by hand",
    }

#: Query parameters.
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


def _raw(data: Any, content_type: str) -> dict[str, Any]:
    return {"data": data, "content_type": content_type}


#: Bodies of other media types.
OTHER_BODIES: dict[Route, dict[str, Any]] = {
    ("POST", "/api/v1/admin/reconciliations"): _raw(",".join(COLUMNS), "text/csv"),
    ("POST", "/api/v1/products/{product_id}/codes"): _raw("GIFT-7F3A-21C9", "text/plain"),
    ("PUT", "/api/v1/products/{product_id}/file"): _raw(b"the bytes of a file", "application/pdf"),
    ("PUT", "/api/v1/products/{product_id}/file/upload/{upload_id}/parts/{number}"): _raw(
        b"the bytes of a part", "application/octet-stream"
    ),
    ("POST", "/api/v1/products/{product_id}/images"): _raw(picture(), "image/png"),
    ("PUT", "/api/v1/shop/logo"): _raw(picture(), "image/png"),
    ("POST", "/api/v1/products/import"): _raw(
        "name,price,availableUnits\r\nCourse,5.00,1\r\n", "text/csv"
    ),
}


class SampleData:
    """The callers of the access matrix, and the records in the paths."""

    def __init__(self, client: FlaskClient) -> None:
        self.actors = {
            name: factories.actor(role, balance="100.00") for name, role in ROLES.items()
        }
        buyer, seller = self.actors["buyer"], self.actors["seller"]
        product_id = factories.product(seller, price="10.00", units=50)
        purchase = {"productId": str(product_id), "paymentMethod": "WALLET"}
        order, other_order = (_post(client, buyer, "orders", purchase) for _ in range(2))
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
        giveaway = _post(
            client,
            seller,
            "giveaways",
            {"productId": str(product_id), "name": "Conference", "kind": "LINK", "units": 9},
        )
        endpoint = _post(
            client, seller, "webhook-endpoints", {"url": "https://shop.example.com/hooks"}
        )
        hooks = f"/api/v1/webhook-endpoints/{endpoint['id']}"
        ping = client.post(f"{hooks}/ping", headers=seller.headers).json
        replay = _post(
            client,
            seller,
            f"webhook-endpoints/{endpoint['id']}/replays",
            {"deliveryIds": [ping["id"]]},
        )
        onramp = _post(client, buyer, "onramp", {"provider": "HDFC", "amount": "5.00"})
        payee = factories.merchant()
        hold = _post(client, buyer, "wallet/holds", {"payeeId": str(seller.id), "amount": "5.00"})
        bank_account_id = bank_account_of(client, buyer)
        payout = create_payout(client, buyer, bank_account_id, "5.00").json
        target = factories.actor(balance="100.00", phone="+14155550100")
        set_limit(client, target, "DEPOSIT", "DAY", "1000.00")
        admin = self.actors["admin"]
        rule = _post(client, admin, "admin/risk/rules", {"key": "sampled", **RISK_RULE})
        entry = _post(
            client,
            admin,
            "admin/risk/lists",
            {"list": "BLOCK", "kind": "DEVICE", "value": "curl/8", "reason": "A robot"},
        )
        category = _post(client, admin, "admin/categories", {"slug": "music", "name": "Music"})
        backtest = _post(client, admin, "admin/risk/backtests", {"ruleId": rule["id"], **PERIOD})
        self.names = {
            "backtest_id": backtest["id"],
            "product_id": str(product_id),
            "image_id": str(shown(seller, product_id)),
            "side": "160",
            "category_id": category["id"],
            "rule_id": rule["id"],
            "entry_id": entry["id"],
            "case_id": UNKNOWN,
            "decision_id": UNKNOWN,
            "model_id": UNKNOWN,
            "review_id": UNKNOWN,
            "order_id": order["id"],
            "notification_id": notification_of(buyer),
            "reset_token": "A" * 48,
            "verification_token": "A" * 48,
            "unsubscribe_token": unsubscribe_links.sign(
                Subscription(buyer.id, Kind.SALE, Channel.EMAIL)
            ),
            "receipt_token": RECEIPTS.sign(UUID(transfer["id"]), serial=0),
            "page_token": LINKS.sign(UUID(order["id"]), serial=0),
            "refund_request_id": refund_request["id"],
            "refund_id": UNKNOWN,
            "coupon_id": coupon["id"],
            "merchant_id": str(payee.id),
            "transfer_id": transfer["id"],
            "transaction_id": latest_transaction(client, buyer)["id"],
            "payment_request_id": request["id"],
            "payment_request_token": request["token"],
            "token": request["token"],
            "code_id": code["id"],
            "merchant_code_id": code["id"],
            "merchant_code_token": code["token"],
            "giveaway_id": giveaway["id"],
            "endpoint_id": endpoint["id"],
            "delivery_id": ping["id"],
            "replay_id": replay["id"],
            "giveaway_token": giveaway["token"],
            "upload_id": UNKNOWN,
            "number": 1,
            "licence_id": UNKNOWN,
            "activation_id": UNKNOWN,
            "download_token": "A" * 116,
            "onramp_id": onramp["id"],
            "event_id": str(quarantined_event(onramp["token"], QuarantineReason.NOT_UNDERSTOOD)),
            "held_event_id": str(parked_event("notifications")),
            "sink_name": "notifications",
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
            "version": "1",
            "view": "shop",
            "code": "NOT_FOUND",
            "event_type": "order-completed",
            "provider": "HDFC",
            "access_token": buyer.token,
            "email": target.email,
            "phone": "+14155550100",
        }

    def call(self, client: FlaskClient, route: Route, caller: str) -> int:
        with self.send(client, route, caller) as answer:
            return answer.status_code

    def send(
        self,
        client: FlaskClient,
        route: Route,
        caller: str,
        *,
        query: Mapping[str, str] = MappingProxyType({}),
        respelt: bool = False,
        **headers: str,
    ) -> TestResponse:
        """The response to the sample request. query, headers: sent in addition.

        respelt: sends JSON with other white space and its names in another order.
        """
        method, path = route
        names = self.names | {"caller": caller}
        actor = self.actors.get(caller)
        body = _fill(BODIES.get(route), names)
        sent = OTHER_BODIES.get(route) or {"json": body}
        if respelt and body and "json" in sent:
            reordered = dict(reversed(body.items()))
            sent = {"data": json.dumps(reordered, indent=3), "content_type": "application/json"}
        return client.open(
            path.format(**names),
            method=method,
            query_string=(_fill(QUERIES.get(route), names) or {}) | {**query},
            headers=(actor.headers if actor else {}) | headers,
            **sent,
        )


def _fill(value: Any, names: dict[str, str]) -> Any:
    """Replace the names in braces in a value."""
    if isinstance(value, dict):
        return {key: _fill(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [_fill(part, names) for part in value]
    return value.format(**names) if isinstance(value, str) else value


def _post(client: FlaskClient, caller: factories.Actor, path: str, body: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/{path}", json=body, headers=caller.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def _wallet_of(user_id: UUID) -> UUID:
    with transaction() as session:
        return factories.wallet(session, user_id).id
