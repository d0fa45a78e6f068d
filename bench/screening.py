"""The rules that the screening scenarios put into force."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

from bench.measurement import Result, percentiles
from bench.servers import Servers

#: Rules in force, those of the installation included.
RULES: Final = 50

_INSERT = """
    INSERT INTO risk_rules (id, key, version, name, conditions, outcome, weight, status, created_at,
        activated_at)
    SELECT (r->>'id')::uuid, r->>'key', 1, r->>'key', r->'conditions', 'SCORE', 100, 'ACTIVE',
        now(), now()
    FROM jsonb_array_elements(CAST(%(rules)s AS jsonb)) AS r
"""
_RULESET = """
    INSERT INTO risk_rulesets (id, version, active, shadow, created_at)
    SELECT gen_random_uuid(), max(version) + 1, CAST(%(active)s AS uuid[]), '{}', now()
    FROM risk_rulesets
"""
_ACTIVE = "SELECT array_agg(id ORDER BY key) FROM risk_rules WHERE status = 'ACTIVE'"
_LATENCIES = """
    SELECT array_agg(latency_us ORDER BY latency_us) FROM risk_decisions
    WHERE ruleset = (SELECT max(version) FROM risk_rulesets)
"""


def without_rules(servers: Servers) -> None:
    """Put no rule into force."""
    servers.sql(_RULESET, active=[])


def with_rules(servers: Servers) -> None:
    """Put as many rules as RULES into force."""
    ((active,),) = servers.sql(_ACTIVE)
    if len(active) < RULES:
        rules = [
            {"id": str(uuid4()), "key": f"bench-{n}", "conditions": conditions}
            for n, conditions in zip(range(RULES - len(active)), _conditions(), strict=False)
        ]
        servers.sql(_INSERT, rules=json.dumps(rules))
        ((active,),) = servers.sql(_ACTIVE)
    servers.sql(_RULESET, active=active)


def with_seeded_rules(servers: Servers) -> None:
    """Put the rules of the installation into force again."""
    ((active,),) = servers.sql(f"{_ACTIVE} AND key NOT LIKE 'bench-%'")
    servers.sql(_RULESET, active=active)


def with_latency(servers: Servers, result: Result) -> Result:
    """The result with the 99th percentile of the evaluations, in milliseconds."""
    ((latencies,),) = servers.sql(_LATENCIES)
    return replace(result, screening=percentiles(latencies)["p99"] / 1e3)


def _conditions() -> Iterator[dict[str, Any]]:
    """Conditions of rules of every kind, most of which read several fields."""
    number = 0
    while True:
        number += 1
        yield {"all": [_if("count", ">", 1_000 * number, "DAY"), _if("amount", ">", "10")]}
        yield {"all": [_if("sum", ">", str(10**9 + number), "MONTH")]}
        yield {"all": [_if("type", "in", ["TRANSFER", "PAYOUT"]), _if("share", ">", number)]}
        yield {"any": [_if("hour", ">", 23), _if("accountAge", "<", -number)]}
        yield {"all": [_if("coupon", "=", True), _if("productKind", "=", f"KIND_{number}")]}
        yield {"all": [_if("refused", ">", number, "DAY"), _if("newDevice", "=", True)]}
        yield {"all": [_if("merchant", "=", str(UUID(int=number)))]}


def _if(field: str, operator: str, value: Any, window: str | None = None) -> dict[str, Any]:
    condition = {"field": field, "operator": operator, "value": value}
    return condition if window is None else condition | {"window": window}
