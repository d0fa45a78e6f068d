"""The HTTP API, as the original dashboard calls it."""

from collections.abc import Iterator

import pytest

from app.common.settings import Settings
from tests import factories, servers
from tests.insights.helpers import purchase, refusal
from tests.live_process.helpers import LiveProcess, relay

pytestmark = pytest.mark.usefixtures("live_database")

ORIGIN = {"Origin": "http://localhost:3002"}


@pytest.fixture(scope="module")
def production(
    settings: Settings, live_database: servers.TestDatabase
) -> Iterator[dict[str, LiveProcess]]:
    """Live processes in production, closed and public."""
    secrets = {
        "APP_ENV": "production",
        "PUBLIC_URL": "https://pay.example.com",
        "JWT_ACCESS_SECRET": "k3v9q8z7x6w5v4u3t2s1r0p9o8n7m6l5",
        "JWT_REFRESH_SECRET": "b7c6d5e4f3g2h1i0j9k8l7m6n5o4p3q2",
        "ENCRYPTION_KEYS": "z9y8x7w6v5u4t3s2r1q0p9o8n7m6l5k4",
        "SMTP_URL": "smtps://user:word@mail.example.com",
        "MAIL_FROM": "shop@example.com",
        "STRIPE_SECRET_KEY": "off",
        "BANK_PROVIDERS": "[]",
    }
    with (
        LiveProcess.start(settings, live_database, **secrets) as closed,
        LiveProcess.start(settings, live_database, **secrets, LIVE_PUBLIC="true") as public,
    ):
        yield {"closed": closed, "public": public}


def test_the_latest_transactions_come_newest_first(live: LiveProcess) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    relay(*(purchase(buyer, seller, amount=100 * number) for number in range(1, 61)))

    answer = live.call("GET", "/api/transactions", headers=ORIGIN)
    body = answer.json
    assert body.keys() == {"success", "data", "count"}
    assert (body["success"], body["count"], len(body["data"])) == (True, 50, 50)
    assert [each["amount"] for each in body["data"][:3]] == [60, 59, 58]
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]

    assert live.call("GET", "/api/transactions?limit=7").json["count"] == 7
    for wrong in ("0", "101", "x", "-1"):
        refused = live.call("GET", f"/api/transactions?limit={wrong}")
        assert (refused.status, refused.json["success"]) == (400, False)


def test_a_signed_in_user_gets_their_own(live: LiveProcess) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    relay(
        purchase(buyer, seller, amount=4200, riskScore="0.5"),
        refusal(factories.buyer(), merchantId=str(seller.id)),
    )
    of_buyer = live.call("GET", "/api/transactions", token=buyer.token).json
    assert [each["amount"] for each in of_buyer["data"]] == [42]
    assert of_buyer["data"][0]["risk_score"] is None
    of_seller = live.call("GET", "/api/transactions", token=seller.token).json
    assert [each["status"] for each in of_seller["data"]] == ["DECLINED", "APPROVED"]
    assert live.call("GET", "/api/stats", token=buyer.token).status == 403


def test_the_stats_have_the_names_of_the_contract(live: LiveProcess) -> None:
    relay(purchase(factories.buyer(), factories.merchant(), amount=1050, latencyMs=5))
    body = live.call("GET", "/api/stats").json
    assert body.keys() == {"success", "data"}
    stats = body["data"]
    assert stats.keys() == {
        "approvalRate",
        "totalTransactions",
        "approvedTransactions",
        "declinedTransactions",
        "averageApprovedAmount",
        "totalVolume",
        "transactionsLastMinute",
        "volumePerMinute",
        "systemMetrics",
    }
    assert stats["totalTransactions"] >= stats["approvedTransactions"] >= 1
    assert stats["totalVolume"] >= 10.5
    assert stats["volumePerMinute"][0].keys() == {"minute", "count", "volume"}
    metrics = stats["systemMetrics"]
    assert metrics.keys() == {
        "averageLatency",
        "uptime",
        "processedTransactions",
        "transactionsPerSecond",
    }
    assert isinstance(metrics["transactionsPerSecond"], str)


def test_health_tells_what_works(live: LiveProcess) -> None:
    answer = live.call("GET", "/api/health")
    assert (answer.status, answer.json["status"]) == (200, "ok")
    assert answer.json["checks"] == {"database": "ok", "redis": "ok"}


def test_web_pages_of_others_are_refused(live: LiveProcess) -> None:
    evil = {"Origin": "https://evil.example"}
    answer = live.call("GET", "/api/transactions", headers=evil)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers
    assert live.call("POST", "/api/transactions/producer/start", headers=evil).status == 403
    asked = {**ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = live.call("OPTIONS", "/api/transactions/generate", headers=asked)
    assert answer.status == 204
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_wrong_requests_are_refused(live: LiveProcess) -> None:
    start = "/api/transactions/producer/start"
    for wrong in ({"interval": 1}, {"interval": "soon"}, {"interval": True}, [1]):
        assert live.call("POST", start, wrong).status == 400
    assert live.call("POST", start, data=b"{").status == 400
    assert live.call("POST", start, data=b"x" * 5000).status == 413
    assert live.call("GET", "/nothing").status == 404
    assert live.call("DELETE", "/api/stats").status == 405
    assert live.call("POST", "/events").status == 400


def test_production_shows_nothing_without_a_token(production: dict[str, LiveProcess]) -> None:
    closed, public = production["closed"], production["public"]
    relay(purchase(factories.buyer(), factories.merchant(), riskScore="0.5"))
    for path in ("/api/transactions", "/api/stats"):
        assert closed.call("GET", path).status == 401
    assert public.call("GET", "/api/stats").status == 200
    shown = public.call("GET", "/api/transactions").json["data"][0]
    assert shown["risk_score"] is None
    for path in ("generate", "producer/start", "producer/stop"):
        assert public.call("POST", f"/api/transactions/{path}").status == 403
    assert public.call("GET", "/api/stats", headers=ORIGIN).status == 403
