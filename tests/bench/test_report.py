"""Performance targets, reports and charts, with made-up results."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench import chart, metrics, report, sweep
from bench.measurement import Result, percentiles, wrong
from bench.scenarios import SCENARIOS, select
from bench.targets import TARGETS, evaluate

SOME = Result(
    per_second=100, outcomes={"201": 10}, p50=2, p95=3, p99=4, database_cpu=1, load_cpu=0.1
)


def made_up(**per_second: float) -> dict[str, Result]:
    return {
        name.replace("_", " "): replace(SOME, per_second=rate) for name, rate in per_second.items()
    }


def value(name: str, results: dict[str, Result]) -> tuple[float, bool | None]:
    ((value, met),) = [(r.value, r.is_met) for r in evaluate(results) if r.target.name == name]
    return value, met


def test_spread_is_compared_with_the_better_limit() -> None:
    results = made_up(spread=1400, limit_spread=100, limit_spread_locked=500)
    assert value("spread ÷ best limit", results) == (2.8, True)


def test_a_ratio_below_its_minimum_misses_the_target() -> None:
    assert value("wallet ÷ hello", made_up(wallet=34, hello=100)) == (0.34, False)


def test_a_lone_purchase_is_compared_with_a_request_and_a_transaction() -> None:
    results = {
        "lone": replace(SOME, p50=3.6, p99=16),
        "limit lone": replace(SOME, p50=2),
        "hello lone": replace(SOME, p50=1),
    }
    assert value("lone p50 ÷ (limit lone + hello lone)", results) == (1.2, True)
    assert value("lone p99, ms", results) == (16, False)


def test_a_long_history_is_compared_with_a_short_one() -> None:
    results = {"history long": replace(SOME, p50=3), "history short": replace(SOME, p50=2)}
    assert value("history p50, long ÷ short", results) == (1.5, False)


def test_memory_is_that_of_the_largest_process_of_all_scenarios() -> None:
    results = {"spread": replace(SOME, pss_mb=119.0), "login": replace(SOME, pss_mb=121.0)}
    assert value("PSS of the largest web process, MB", results) == (121, False)


def test_an_inexact_sell_out_misses_the_target() -> None:
    results = {"sell-out 50/200": SOME, "sell-out 1000/5000": replace(SOME, wrong={"201": 1001})}
    assert value("sell-outs that are inexact", results) == (1, False)


def test_targets_of_scenarios_that_did_not_run_are_omitted() -> None:
    assert evaluate({}) == []


def test_a_complete_run_evaluates_every_target() -> None:
    results = {scenario.name: replace(SOME, pss_mb=100, screening=1.0) for scenario in SCENARIOS}
    assert [r.target for r in evaluate(results)] == list(TARGETS)


def test_unexpected_outcomes_and_wrong_counts_are_reported() -> None:
    assert wrong({"201": 3}, {"201"}) == {}
    assert wrong({"201": 3, "503 BUSY": 1}, {"201"}) == {"503 BUSY": 1}
    assert wrong({"201": 3, "400 X": 1}, {"201": 3, "400 X": 1}) == {}
    assert wrong({"201": 4}, {"201": 3, "400 X": 1}) == {"201": 4, "400 X": 0}


def test_percentiles_are_measured_times() -> None:
    assert percentiles([1, 2]) == {"p50": 2, "p95": 2, "p99": 2}


@pytest.mark.parametrize(
    "name",
    [
        *("spread", "hot-product", "sell-out 50/200", "sell-out 1000/5000", "hot-merchant"),
        *("hot-buyer", "deposit", "wallet", "catalogue", "product", "login", "lone", "hello"),
        *("history short", "history deep short", "history long", "history deep long"),
        *("many-buyers", "fresh-connections"),
        *("limit spread", "limit hot-product", "limit hot-merchant", "limit lone"),
    ],
)
def test_the_documented_scenarios_exist(name: str) -> None:
    assert name in {scenario.name for scenario in SCENARIOS}


def test_prefixes_of_names_select_scenarios_and_their_baselines() -> None:
    assert [s.name for s in select(["hot-product"])] == ["limit hot-product", "hot-product"]
    assert [s.name for s in select(["sell-out", "lone"])] == [
        *("sell-out 50/200", "sell-out 1000/5000", "hello lone", "limit lone", "lone")
    ]
    with pytest.raises(KeyError, match="nonsense"):
        select(["nonsense"])


def test_baselines_run_before_the_scenarios_compared_with_them() -> None:
    before: set[str] = set()
    for scenario in SCENARIOS:
        assert set(scenario.baselines) <= before
        before.add(scenario.name)


def test_the_tables_fit_and_show_unexpected_outcomes() -> None:
    results = {scenario.name: replace(SOME, pss_mb=100, screening=1.0) for scenario in SCENARIOS}
    results["spread"] = replace(SOME, outcomes={"201": 9, "503 BUSY": 1}, wrong={"503 BUSY": 1})
    console = Console(width=120, file=StringIO(), record=True)
    report.show(console, results, evaluate(results))
    text = console.export_text()
    assert "sell-out 1000/5000" in text
    assert "201: 9, 503 BUSY: 1" in text
    assert "…" not in text


def test_json_has_scenarios_targets_and_conditions() -> None:
    results = made_up(wallet=34, hello=100)
    loaded = json.loads(report.as_json(results, evaluate(results), conditions={"seconds": 10}))
    assert loaded["conditions"] == {"seconds": 10}
    assert loaded["scenarios"]["wallet"]["per_second"] == 34
    (target,) = [t for t in loaded["targets"] if t["name"] == "wallet ÷ hello"]
    assert (target["reached"], target["atLeast"], target["met"]) == (0.34, 0.35, False)


METRICS = """
# TYPE payment_flow_ledger_batch_size histogram
payment_flow_ledger_batch_size_bucket{le="1.0"} 1.0
payment_flow_ledger_batch_size_sum 12.0
payment_flow_ledger_batch_size_count 3.0
payment_flow_ledger_wait_seconds_sum 0.5
payment_flow_ledger_wait_seconds_count 10.0
payment_flow_transaction_retries_total{reason="serialization"} 2.0
payment_flow_transaction_retries_total{reason="deadlock"} 1.0
"""


def test_metrics_include_batches_waits_and_retries() -> None:
    values = metrics.purchases(metrics.parse(""), metrics.parse(METRICS))
    assert values == {"batch": 4, "wait": 50, "retries": 3}


def test_without_metrics_every_value_is_none() -> None:
    nothing = metrics.parse("")
    assert metrics.purchases(nothing, nothing) == {"batch": None, "wait": None, "retries": None}


def swept(*, batches: bool = True) -> dict[int, Result]:
    return {
        n: replace(SOME, per_second=100 * n, batch=n / 2 if batches else None, p50=n, p99=2 * n)
        for n in sweep.CONNECTIONS
    }


def rates() -> dict[str, dict[int, float]]:
    return {name: {n: 100.0 * n for n in sweep.CONNECTIONS} for name in ("deposit", "transfers")}


def test_the_chart_has_a_panel_for_batches_when_they_are_known() -> None:
    for batches, panels in ((True, 3), (False, 2)):
        svg = ET.fromstring(chart.draw_batches(swept(batches=batches)))
        names = [t.text for t in svg.findall(".//{*}text") if t.get("class") == "name"]
        assert len(names) == panels
        assert len(svg.findall(".//{*}polyline")) == panels + 1


def test_the_chart_of_movements_compares_with_an_earlier_version() -> None:
    now = rates()
    del now["transfers"]
    for before, lines in (({}, 1), (rates(), 2)):
        svg = ET.fromstring(chart.draw_movements(now, before))
        assert len(svg.findall(".//{*}polyline")) == lines


@pytest.mark.parametrize(
    "drawing", [chart.draw_batches(swept()), chart.draw_movements(rates(), {})]
)
def test_points_stay_inside_the_chart(drawing: str) -> None:
    svg = ET.fromstring(drawing)
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    for circle in svg.findall(".//{*}circle"):
        assert 0 < float(circle.attrib["cx"]) < width
        assert 0 < float(circle.attrib["cy"]) < height


def test_a_sweep_is_saved_as_json_and_charts(tmp_path: Path) -> None:
    numbers, charts = tmp_path / "a" / "sweep.json", tmp_path / "b"
    results = {"purchase": swept(), "deposit": swept()}
    sweep.save(results, numbers, charts, before={})
    assert json.loads(numbers.read_text())["deposit"]["128"]["batch"] == 64

    before = {name: dict.fromkeys(sweep.CONNECTIONS, 5.0) for name in results}
    sweep.save(results, tmp_path / "again.json", charts, before=before)
    for name in ("batching.svg", "movements.svg"):
        assert (charts / name).read_text().startswith("<svg")
    assert (charts / "movements.svg").read_text().count("polyline") == 4
