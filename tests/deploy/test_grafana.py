"""deploy/grafana: every query of a dashboard names metrics, labels and values that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.common.settings import PROJECT_ROOT
from tests.compose import SERVICES
from tests.deploy.checkers import check, needs
from tests.deploy.exported import application
from tests.deploy.promql import groupings, selectors, unknown
from tests.deploy.rules import RULES, known
from tests.deploy.values import unused

FOLDER = PROJECT_ROOT / "deploy" / "grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*"))
}
DATASOURCES = yaml.safe_load((FOLDER / "provisioning/datasources/datasources.yml").read_text())


def queries(kind: str) -> Iterator[tuple[str, str, str]]:
    """The queries to a kind of data source: where they are, the query, and its legend."""
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == kind:
                    yield (
                        f"{name}: {panel['title']}",
                        target["expr"],
                        target.get("legendFormat", ""),
                    )


PROMETHEUS = [*queries("prometheus")]
each_query = pytest.mark.parametrize(
    ("query", "legend"),
    [one[1:] for one in PROMETHEUS],
    ids=[f"{place} {number}" for number, (place, _, _) in enumerate(PROMETHEUS)],
)
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)


class TestQueries:
    @each_query
    def test_metrics_and_labels_exist(self, query: str, legend: str) -> None:
        assert list(selectors(query))
        assert unknown(query, known()) == []

    @each_query
    def test_values_of_labels_exist(self, query: str, legend: str) -> None:
        assert unused(query) == []

    @each_query
    def test_the_legend_uses_labels_that_remain(self, query: str, legend: str) -> None:
        used = set(re.findall(r"\{\{(\w+)\}\}", legend))
        labels = groupings(query) or frozenset().union(
            *(known()[one.name] for one in selectors(query))
        )
        assert used <= labels

    @each_query
    def test_gauges_are_not_added_up(self, query: str, legend: str) -> None:
        """Each web server reports the same ones."""
        for one in selectors(query):
            if one.name in application() and not re.search(r"_(total|bucket|sum|count)$", one.name):
                assert re.search(rf"(max|min)( by \([^)]*\))? ?\({one.name}", query)

    @each_query
    def test_quantiles_keep_the_bounds_of_buckets(self, query: str, legend: str) -> None:
        if "histogram_quantile" in query:
            assert "le" in groupings(query)

    @needs("promtool")
    def test_queries_are_valid(self, tmp_path: Path) -> None:
        rules = [
            {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m")}
            for number, (_, query, _) in enumerate(PROMETHEUS)
        ]
        file = tmp_path / "rules.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
        check("promtool", "check", "rules", file)

    def test_logs_are_selected_by_labels_that_they_have(self) -> None:
        found = [*queries("loki")]
        assert found
        config = (PROJECT_ROOT / "deploy/alloy/config.alloy").read_text()
        for _, query, _ in found:
            assert set(re.findall(r"(\w+)=~?\"", query)) == {"service", "level"}
            (services,) = re.findall(r'service=~"([^"]+)"', query)
            assert set(services.split("|")) <= SERVICES.keys()
        assert 'target_label  = "service"' in config
        assert 'values = { level = "" }' in config

    def test_every_metric_is_on_a_dashboard_or_in_a_rule(self) -> None:
        """Otherwise nobody sees it."""
        text = str([query for _, query, _ in PROMETHEUS]) + str([rule["expr"] for rule in RULES])
        names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in application()}
        missing = {name for name in names if not re.search(rf"\b{name}", text)}
        assert missing == set()


class TestDashboards:
    def test_all_subjects_have_one(self) -> None:
        assert DASHBOARDS.keys() == {"api", "business", "database", "queues", "slo"}
        uids = [dashboard["uid"] for dashboard in DASHBOARDS.values()]
        assert len(set(uids)) == len(uids)

    @each_dashboard
    def test_panels_are_numbered_and_do_not_overlap(self, dashboard: dict[str, Any]) -> None:
        panels = dashboard["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken, panel["title"]
            taken |= cells

    @each_dashboard
    def test_data_sources_are_provisioned(self, dashboard: dict[str, Any]) -> None:
        provisioned = {one["uid"]: one["type"] for one in DATASOURCES["datasources"]}
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                source = target["datasource"]
                assert provisioned[source["uid"]] == source["type"]

    @each_dashboard
    def test_the_documentation_explains_it(self, dashboard: dict[str, Any]) -> None:
        page = (PROJECT_ROOT / "docs" / "observability.md").read_text()
        assert f"| {dashboard['title']} |" in page

    def test_data_sources_are_services_of_compose(self) -> None:
        for source in DATASOURCES["datasources"]:
            host = re.sub(r"^http://", "", source["url"]).partition(":")[0]
            assert host in SERVICES

    def test_dashboards_are_mounted_where_they_are_looked_for(self) -> None:
        (provider,) = yaml.safe_load(
            (FOLDER / "provisioning/dashboards/dashboards.yml").read_text()
        )["providers"]
        volumes = SERVICES["grafana"]["volumes"]
        assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in volumes
        assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in volumes
        home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        assert Path(home).stem in DASHBOARDS
