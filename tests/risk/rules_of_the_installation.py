"""The rules that an installation begins with, without a database."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from uuid import uuid4

from app.common.settings import PROJECT_ROOT
from app.risk.conditions import parse
from app.risk.evaluation import Rule, Ruleset
from app.risk.models import RuleOutcome


def rules_of_the_installation() -> Ruleset:
    """As the migration inserts them."""
    (path,) = (PROJECT_ROOT / "migrations/versions").glob("*-insert_risk_rules.py")
    loader = SourceFileLoader("insert_risk_rules", str(path))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    migration = module_from_spec(spec)
    loader.exec_module(migration)
    return Ruleset(
        Rule(uuid4(), key, 1, parse(conditions), RuleOutcome(outcome), weight)
        for key, _, conditions, outcome, weight in migration.RULES
    )
