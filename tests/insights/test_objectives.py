"""Service level objectives: error budgets, burn rates, alerts, and the rules of Prometheus."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from app.common import clock
from app.common.process_state import Slot
from app.common.request_counts import RequestCounts
from app.common.settings import PROJECT_ROOT, Settings
from app.insights.objectives import prometheus
from app.insights.objectives.objective import Objective, ObjectiveName, Objectives, objectives
from app.insights.requests import service as requests
from app.local.settings_docs import as_prometheus_rules
from tests import factories
from tests.clock import freeze_clock

SLO = "/api/v1/insights/slo"
HOUR = timedelta(hours=1)


def answer(
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    *,
    ago: timedelta,
    failed: int = 0,
    slow: int = 0,
) -> None:
    """Requests that were answered some time ago; some of them failed, and others were slow."""
    now = clock.now()
    counts = RequestCounts()
    with monkeypatch.context() as patch:
        freeze_clock(patch, now - ago)
        for index in range(number):
            is_slow = failed <= index < failed + slow
            counts.observe(seconds=0.9 if is_slow else 0.01, status=503 if index < failed else 200)
        requests.store(counts)


def report(client: FlaskClient) -> Mapping[str, Any]:
    found = client.get(SLO, headers=factories.admin().headers)
    assert found.status_code == 200, found.text
    return {one["name"]: one for one in (found.json or {})["objectives"]}


def test_the_error_budget_is_the_share_of_requests_that_may_be_bad(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, 4000, ago=100 * HOUR, failed=1, slow=60)
    found = report(client)
    availability, latency = found["AVAILABILITY"], found["LATENCY"]

    assert (availability["requests"], availability["bad"], availability["allowed"]) == (4000, 1, 4)
    assert (availability["target"], availability["percent"]) == (99.9, 99.975)
    assert (availability["budgetLeft"], availability["isMet"]) == (75.0, True)
    assert (latency["bad"], latency["allowed"], latency["thresholdMs"]) == (60, 40, 500)
    assert (latency["percent"], latency["budgetLeft"], latency["isMet"]) == (98.5, -50.0, False)


def test_without_requests_no_budget_is_used_up(client: FlaskClient) -> None:
    for one in report(client).values():
        assert (one["requests"], one["percent"], one["budgetLeft"]) == (0, None, None)
        assert one["isMet"]
        assert {rate["rate"] for rate in one["burnRates"]} == {None}
        assert not any(alert["isFiring"] for alert in one["alerts"])


def test_the_burn_rate_tells_how_fast(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, 1000, ago=timedelta(minutes=3), failed=2)
    answer(monkeypatch, 1000, ago=5 * HOUR)
    rates = {rate["window"]: rate["rate"] for rate in report(client)["AVAILABILITY"]["burnRates"]}
    assert rates == {
        "5m": 2.0, "30m": 2.0, "1h": 2.0, "2h": 2.0, "6h": 1.0, "1d": 1.0, "3d": 1.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ago", "failed", "firing"),
    [
        # Of a thousand requests: 14.4 times as fast as allowed, and less.
        ((2, 40), 15, {"1h", "6h", "1d", "3d"}),
        ((2, 20, 40), 10, {"6h", "1d", "3d"}),
        # It is over: no alert about the last hours.
        ((40,), 30, {"1d", "3d"}),
        ((2,), 1, set()),
    ],
)
def test_an_alert_fires_in_both_windows_only(
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    ago: tuple[int, ...],
    failed: int,
    firing: set[str],
) -> None:
    for minutes in ago:
        answer(monkeypatch, 1000, ago=timedelta(minutes=minutes), failed=failed)
    if 2 not in ago:
        answer(monkeypatch, 1000, ago=timedelta(minutes=2))
    alerts = report(client)["AVAILABILITY"]["alerts"]
    assert {alert["long"] for alert in alerts if alert["isFiring"]} == firing


def test_objectives_are_those_of_the_settings(
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    configure: Callable[[Slot[Any], Any], None],
) -> None:
    latency = Objective(ObjectiveName.LATENCY, Decimal(90))
    changed = replace(objectives(), latency=latency, threshold_ms=1000, window=timedelta(days=7))
    configure(objectives, changed)
    answer(monkeypatch, 10, ago=8 * 24 * HOUR)
    answer(monkeypatch, 100, ago=HOUR, slow=9)
    found = report(client)["LATENCY"]
    assert (found["target"], found["thresholdMs"]) == (90.0, 1000)
    assert (found["requests"], found["bad"]) == (100, 0)
    assert found["alerts"][0]["burnRate"] == 3.36


class TestRules:
    def test_the_file_is_that_of_the_default_settings(self) -> None:
        written = (PROJECT_ROOT / prometheus.FILE).read_text()
        assert written == as_prometheus_rules(Settings(app_env="test"))

    def test_every_expression_uses_metrics_that_exist(self) -> None:
        recorded = {prometheus_metric()}
        for rule in rules():
            used = set(re.findall(r"payment_flow[a-z0-9_:]*", rule["expr"]))
            assert used <= recorded, rule
            if "record" in rule:
                recorded.add(rule["record"])

    def test_alerts_have_the_thresholds_of_the_workbook(self) -> None:
        alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
        assert alerts["PaymentFlowAvailabilityPage1h"]["expr"] == (
            "payment_flow:availability_bad:ratio_rate1h > 0.0144"
            " and payment_flow:availability_bad:ratio_rate5m > 0.0144"
        )
        assert {name[11:]: alert["labels"]["severity"] for name, alert in alerts.items()} == {
            "AvailabilityPage1h": "page",
            "AvailabilityPage6h": "page",
            "AvailabilityTicket1d": "ticket",
            "AvailabilityTicket3d": "ticket",
            "LatencyPage1h": "page",
            "LatencyPage6h": "page",
            "LatencyTicket1d": "ticket",
            "LatencyTicket3d": "ticket",
        }

    def test_other_settings_have_other_rules(self) -> None:
        changed = Settings(
            app_env="test",
            slo_availability=Decimal("99.95"),
            slo_latency=Decimal(95),
            slo_latency_ms=200,
            slo_window=timedelta(days=7),
        )
        text = as_prometheus_rules(changed)
        assert "ratio_rate7d" in text
        assert "ratio_rate30d" not in text
        assert "longer than 200 ms; the objective is 95% in time." in text
        # 2 % of a week's budget in an hour: 3.36 times 0.0005.
        assert "ratio_rate1h > 0.00168 and" in text
        assert Objectives.of(changed).latency.budget == Decimal("0.05")


def prometheus_metric() -> str:
    from app.common import metrics

    name = "payment_flow_answered_requests_total"
    assert name.encode() in metrics.exposition()
    return name


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((PROJECT_ROOT / prometheus.FILE).read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]
