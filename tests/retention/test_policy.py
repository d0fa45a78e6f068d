"""Every table has a retention, and what it needs."""

import re
from collections.abc import Sequence

import pytest
from sqlalchemy import Index, PrimaryKeyConstraint

import app.models  # noqa: F401 – every table is known
from app.common.db import Base
from app.common.env_fields import declarations
from app.common.settings import PROJECT_ROOT, Settings
from app.retention.policy import KEPT, RULES, Rule

TABLES = Base.metadata.tables


def test_every_table_has_exactly_one_retention() -> None:
    pruned = {rule.table for rule in RULES}
    assert pruned.isdisjoint(KEPT)
    assert pruned | set(KEPT) == set(TABLES)


def test_no_append_only_table_is_pruned() -> None:
    assert not [rule for rule in RULES if TABLES[rule.table].info.get("append_only")]


def test_what_verify_compares_with_the_audit_log_is_kept() -> None:
    compared = {
        action
        for path in (PROJECT_ROOT / "app/verify").glob("*.py")
        for action in re.findall(r"\ba\.action = '(\S+)'", path.read_text())
    }
    (rule,) = [rule for rule in RULES if rule.table == "audit_log"]
    assert compared
    assert set(re.findall(r"'(\S+)'", rule.where)) == compared


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_period_is_a_setting_and_its_figure_is_documented(rule: Rule) -> None:
    assert rule.period.upper() in declarations(Settings)
    lines = (PROJECT_ROOT / "docs/operations.md").read_text().splitlines()
    (row,) = [line for line in lines if line.startswith(f"| `{rule.table}` |")]
    assert f"`{rule.period.upper()}`" in row


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_an_index_finds_the_oldest_rows(rule: Rule) -> None:
    table = TABLES[rule.table]
    keys: Sequence[Index | PrimaryKeyConstraint] = [table.primary_key, *table.indexes]
    found = [key for key in keys if next(iter(key.columns)).name == rule.column]
    # A rule reads only rows of its partial index.
    assert any(
        (where := key.dialect_options["postgresql"]["where"]) is None or str(where) in rule.where
        if isinstance(key, Index)
        else True
        for key in found
    )
