"""deploy/prometheus: rules name metrics that exist, and do what they should."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.common.settings import PROJECT_ROOT
from tests.compose import SERVICES
from tests.deploy.checkers import check, needs
from tests.deploy.exported import EXPORTERS, SCRAPED, all_metrics
from tests.deploy.promql import groupings, selectors, unknown
from tests.deploy.rules import ALERTS, FOLDER, GROUPS, RULE_FILES, RULES, known
from tests.deploy.values import unused

TEST_FILES = sorted((FOLDER / "tests").glob("*.test.yml"))
CONFIG = yaml.safe_load((FOLDER / "prometheus.yml").read_text())

#: Alerts of objectives are generated; one section of the page is about all of them.
OBJECTIVES = re.compile(r"PaymentFlow(Availability|Latency)(Page|Ticket)\d+[hd]$")


class TestRules:
    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
    def test_metrics_and_labels_exist(self, rule: dict[str, Any]) -> None:
        assert unknown(rule["expr"], known()) == []

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
    def test_values_of_labels_exist(self, rule: dict[str, Any]) -> None:
        assert unused(rule["expr"]) == []

    def test_names_are_unique(self) -> None:
        names = [rule.get("alert") or rule["record"] for rule in RULES]
        assert len(names) == len(set(names))
        groups = [group["name"] for group in GROUPS]
        assert len(groups) == len(set(groups))

    @pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
    def test_an_alert_says_how_urgent_it_is_and_what_to_do(self, rule: dict[str, Any]) -> None:
        assert rule["alert"].startswith("PaymentFlow")
        assert rule["labels"]["severity"] in ("page", "ticket", "none")
        for text in ("summary", "description"):
            assert rule["annotations"][text].endswith(".")
        if not OBJECTIVES.match(rule["alert"]):
            anchor = f"docs/observability.md#{rule['alert'].lower()}"
            assert rule["annotations"]["runbook"] == anchor

    @pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
    def test_texts_use_labels_that_remain(self, rule: dict[str, Any]) -> None:
        metrics = known()
        used = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
        kept = groupings(rule["expr"]) or frozenset().union(
            *(metrics[one.name] for one in selectors(rule["expr"])), SCRAPED
        )
        assert set(used) <= kept

    def test_each_alert_has_a_runbook_and_nothing_else_does(self) -> None:
        page = (PROJECT_ROOT / "docs" / "observability.md").read_text()
        documented = set(re.findall(r"^### (PaymentFlow\w+)$", page, re.M))
        assert documented == {name for name in ALERTS if not OBJECTIVES.match(name)}

    def test_each_alert_is_tested(self) -> None:
        text = (FOLDER / "tests" / "alerts.test.yml").read_text()
        tested = set(re.findall(r"- name: (PaymentFlow\w+)", text))
        expected = {name for name in ALERTS if not OBJECTIVES.match(name)}
        assert tested == expected - {"PaymentFlowWatchdog"}

    @pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
    def test_tests_use_series_that_exist(self, path: Path) -> None:
        metrics = all_metrics()
        for test in yaml.safe_load(path.read_text())["tests"]:
            for series in test["input_series"]:
                assert unknown(series["series"], metrics) == []


class TestPromtool:
    @needs("promtool")
    def test_rules_are_valid(self) -> None:
        check("promtool", "check", "rules", *RULE_FILES)

    @needs("promtool")
    def test_the_configuration_is_valid(self) -> None:
        check("promtool", "check", "config", "--syntax-only", FOLDER / "prometheus.yml")

    @needs("promtool")
    @pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
    def test_alerts_fire_when_they_should(self, path: Path) -> None:
        check("promtool", "test", "rules", path)


JOBS: dict[str, dict[str, Any]] = {job["job_name"]: job for job in CONFIG["scrape_configs"]}


class TestScraping:
    def test_rule_files_exist(self) -> None:
        assert CONFIG["rule_files"] == ["rules/*.yml"]
        assert {path.name for path in RULE_FILES} == {
            "alerts.yml", "objectives.yml", "recording.yml",
        }  # fmt: skip

    def test_every_exporter_is_scraped(self) -> None:
        assert EXPORTERS.keys() | {"web", "worker", "live", "blackbox-tcp"} <= JOBS.keys()

    def test_jobs_in_rules_exist(self) -> None:
        used = {
            job
            for rule in RULES
            for one in selectors(rule["expr"])
            for job in one.labels.get("job", ())
        }
        assert used
        assert used <= JOBS.keys()

    def test_targets_are_services_of_compose(self) -> None:
        hosts = set()
        for job in JOBS.values():
            for static in job.get("static_configs", []):
                hosts |= {
                    re.sub(r"^https?://", "", target).partition(":")[0]
                    for target in static["targets"]
                }
            for dns in job.get("dns_sd_configs", []):
                hosts |= set(dns["names"])
        assert hosts - {"localhost"} <= SERVICES.keys()

    def test_ports_of_the_application_are_those_of_the_documentation(self) -> None:
        page = (PROJECT_ROOT / "docs" / "observability.md").read_text()
        for job, setting in (("worker", "WORKER_METRICS_PORT"), ("live", "LIVE_METRICS_PORT")):
            (target,) = JOBS[job]["static_configs"][0]["targets"]
            assert f"{setting}={target.partition(':')[2]}" in page

    def test_only_our_own_processes_get_the_token(self) -> None:
        with_token = {name for name, job in JOBS.items() if "authorization" in job}
        assert with_token == {"web", "worker", "live"}
        (file,) = {JOBS[name]["authorization"]["credentials_file"] for name in with_token}
        assert f"> {file}\n" in SERVICES["prometheus"]["entrypoint"][2]

    def test_public_addresses_are_a_list(self) -> None:
        assert yaml.safe_load((FOLDER / "public.yml").read_text()) == []
