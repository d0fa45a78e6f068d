"""The scaling curve: its tables and pictures, and a short run with limited hosts."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from bench import scaling, scaling_report
from bench.cluster import Setup
from bench.scaling_report import FREE, PYTHON, STATEMENTS, WAL, Key, Profile, Slice

PLAN = scaling.plan_of(quick=False, rounds=None, seconds=None)


def made_up(key: Key, *, faster: float = 1) -> Slice:
    return Slice(
        purchases=100.0 * key.web * faster * key.buys,
        reads=70.0 * key.web * faster * key.reads,
        p50=10,
        p95=20,
        p99=30,
        batch=5 if key.buys else None,
        used={"web": [0.9] * key.web, "primary": [0.8], "replicas": [0.4] * key.setup.replicas},
        wrong={},
    )


SLICES = {
    key: [made_up(key, faster=faster) for faster in (0.9, 1, 1.1)]
    for setup in PLAN.setups
    for key in PLAN.keys(setup)
}
SHARES = {PYTHON: 0.3, STATEMENTS: 0.4, FREE: 0.1, WAL: 0.2}
PROFILES = {key: Profile(made_up(key), SHARES) for key in PLAN.profiled()}


def test_the_tables_have_the_median_of_each_figure() -> None:
    report = scaling_report.block(SLICES, PROFILES, cores=0.2, seconds=4)
    assert (
        "| 1 host | 100 | 200 | 400 | 70 | 140 | 280 | 100 + 70 | 200 + 140 | 400 + 280 |" in report
    )
    assert "| 3 hosts, synchronous | 100 | 200 | 400 |  |  |  |  |  |  |" in report
    assert "| 2 hosts | purchases | 90 % | 80 % | 40 % | 5.0 | 10 | 30 |" in report
    assert "vary by less than 20 %" in report


def test_only_what_the_cpu_does_takes_less_time_on_whole_cores() -> None:
    """80 % of the time become a fifth, 20 % stay."""
    (profile, *_) = PROFILES.values()
    assert profile.whole(0.2) == pytest.approx(100 / (0.8 * 0.2 + 0.2))
    assert profile.batch_ms == pytest.approx(50)


def test_failed_requests_and_hosts_without_a_limit_are_problems() -> None:
    key = Key(Setup(1), 2, buys=True, reads=False)
    fine = made_up(key)
    assert list(scaling.problems_of({key: [fine] * 3})) == []
    (failed,) = scaling.problems_of({key: [fine, replace(fine, wrong={"503 BUSY": 2})]})
    assert "503 BUSY" in failed
    unlimited = replace(fine, used={"web": [0.9, 0.9], "primary": [4.0], "replicas": [0.4]})
    (found,) = scaling.problems_of({key: [unlimited] * 3})
    assert "primary" in found


def test_the_pictures_have_a_line_for_each_setup_and_a_bar_for_each_profile() -> None:
    lines = ET.fromstring(scaling_report.draw(SLICES))
    assert len(lines.findall(".//{*}polyline")) == 5 + 3 + 3 + 3
    bars = ET.fromstring(scaling_report.draw_lock(PROFILES))
    names = [each.text for each in bars.findall(".//{*}text") if each.get("class") == "name"]
    assert names == [
        "1 host, 1 web",
        "1 host, 2 web",
        "1 host, 4 web",
        "3 hosts, sync., 4 web",
    ]


def test_labels_do_not_cover_each_other() -> None:
    svg = ET.fromstring(scaling_report.draw(SLICES))
    ends = [each for each in svg.findall(".//{*}text") if re.match(r"\d hosts?", each.text or "")]
    heights = sorted(float(each.attrib["y"]) for each in ends)
    assert min(lower - upper for upper, lower in pairwise(heights)) > 14.5


def test_the_page_keeps_what_is_around_the_report() -> None:
    page = scaling_report.PAGE.read_text()
    again = scaling_report.updated(page, "a report")
    assert re.sub(r"a report", "", again).startswith(page[:100])
    assert again.count("a report") == 1
    assert scaling_report.updated(again, "a report") == again


@pytest.mark.stress
@pytest.mark.embedded
@pytest.mark.linux
@pytest.mark.root
def test_a_short_run_measures_limited_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails if a host got more than its share, if a request failed, or if `verify` does."""
    page = tmp_path / "scale.md"
    page.write_text(scaling_report.updated(scaling_report.PAGE.read_text(), ""))
    monkeypatch.setattr(scaling_report, "PAGE", page)
    monkeypatch.setattr(scaling_report, "_IMAGES", tmp_path)

    assert scaling.main(["--quick", "--write"]) == 0

    rows = re.findall(
        r"^\| (\d hosts?(?:, synchronous)?) \| ([\d,]+) \| ([\d,]+) \|", page.read_text(), re.M
    )
    assert [name for name, *_ in rows] == ["1 host", "2 hosts", "2 hosts, synchronous"]
    assert all(int(count.replace(",", "")) > 10 for _, *counts in rows for count in counts)
    for picture in ("scaling.svg", "ledger-lock.svg"):
        assert (tmp_path / picture).read_text().startswith("<svg")
