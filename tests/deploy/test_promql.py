"""The check itself finds names that do not exist."""

import pytest

from tests.deploy.exported import application
from tests.deploy.promql import groupings, selectors, unknown

METRICS = {
    "requests_total": frozenset({"route", "status", "job"}),
    "seconds_bucket": frozenset({"le", "route"}),
}


def test_metrics_and_labels_are_found() -> None:
    query = (
        'histogram_quantile(0.9, sum by (le, route) (rate(seconds_bucket{route=~"a|b"}[5m])))'
        ' / on (route) group_left requests_total{status="500"} offset 10m > 1.5e3 and up == 0'
    )
    assert [(one.name, dict(one.labels)) for one in selectors(query)] == [
        ("seconds_bucket", {"route": ("a", "b")}),
        ("requests_total", {"status": ("500",)}),
        ("up", {}),
    ]
    assert groupings(query) == {"le", "route"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('sum by (route) (rate(requests_total{job="web"}[$__rate_interval]))', []),
        ("rate(request_total[5m])", ["request_total"]),
        ('requests_total{code="500"}', ["requests_total{code}"]),
        ("sum by (le) (requests_total)", ["le"]),
        ('requests_total{status="seconds or more"} unless seconds_bucket', []),
        ("vector(1)", []),
        ("time() - 14 * 86400", []),
    ],
)
def test_what_does_not_exist_is_reported(query: str, expected: list[str]) -> None:
    assert unknown(query, METRICS) == expected


def test_the_metrics_of_the_application_are_read_from_its_code() -> None:
    """Those that are declared in this process are the same, with the same labels."""
    from app import factory, worker
    from app.common import metrics

    assert {factory.__name__, worker.__name__} == {"app.factory", "app.worker"}
    found = application()
    declared = {
        f"{collector._name}_total": frozenset(collector._labelnames)
        for collector in metrics._REGISTRY._collector_to_names
        if isinstance(collector, metrics.SafeCounter)
    }
    assert len(declared) > 15
    assert {name: found.get(name) for name in declared} == declared
    histograms = {
        f"{collector._name}_bucket": frozenset(collector._labelnames) | {"le"}
        for collector in metrics._REGISTRY._collector_to_names
        if isinstance(collector, metrics.Histogram)
    }
    assert histograms
    assert {name: found.get(name) for name in histograms} == histograms


def test_gauges_are_found() -> None:
    assert application()["payment_flow_events_parked"] == {"sink"}
    assert application()["payment_flow_circuit_closed"] == {"circuit"}
