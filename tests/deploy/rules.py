"""The rules of deploy/prometheus, and what queries can name."""

from functools import cache
from typing import Any

import yaml

from app.common.settings import PROJECT_ROOT
from tests.deploy.exported import SCRAPED, Metrics, all_metrics
from tests.deploy.promql import groupings

FOLDER = PROJECT_ROOT / "deploy" / "prometheus"
RULE_FILES = sorted((FOLDER / "rules").glob("*.yml"))
GROUPS: list[dict[str, Any]] = [
    group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]
]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}


@cache
def known() -> Metrics:
    """What is scraped, and what rules record of it, with the labels that remain."""
    recorded = {
        rule["record"]: (groupings(rule["expr"]) - {"le"}) | SCRAPED
        for rule in RULES
        if "record" in rule
    }
    return {**all_metrics(), **recorded}
