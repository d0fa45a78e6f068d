"""Insert the first rules of risk screening."""

import json
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0058_risk_rules"
down_revision = "0058_risk"

_PEOPLE: Final = ["TRANSFER", "PAYMENT_REQUEST", "MERCHANT_CODE"]


def _if(field: str, operator: str, value: Any, window: str | None = None) -> dict[str, Any]:
    condition = {"field": field, "operator": operator, "value": value}
    return condition if window is None else condition | {"window": window}


#: Key, name, conditions, outcome and weight in thousandths. Only a large amount asks for a review;
#: of the others, several together do.
RULES: Final = (
    ("allow-list", "Allow list", {"all": [_if("list", "=", "ALLOW")]}, "APPROVE", 0),
    ("block-list", "Block list", {"all": [_if("list", "=", "BLOCK")]}, "DECLINE", 1000),
    (
        "large-amount",
        "Large amount",
        {"all": [_if("amount", ">", {"setting": "RISK_REVIEW_ABOVE"})]},
        "REVIEW",
        600,
    ),
    (
        "velocity",
        "Many payments in a minute",
        {"all": [_if("count", ">", 60, "MINUTE")]},
        "SCORE",
        400,
    ),
    (
        "new-account",
        "New account with a large amount",
        {"all": [_if("amount", ">", "1000"), _if("accountAge", "<", 24)]},
        "SCORE",
        500,
    ),
    (
        "many-receivers",
        "Many receivers in an hour",
        # Counting receivers is expensive, so it comes last.
        {
            "all": [
                _if("type", "in", _PEOPLE),
                _if("count", ">", 20, "HOUR"),
                _if("receivers", ">", 20, "HOUR"),
            ]
        },
        "SCORE",
        400,
    ),
    (
        "refused-attempts",
        "Many refused attempts in an hour",
        {"all": [_if("refused", ">=", 10, "HOUR")]},
        "SCORE",
        400,
    ),
    (
        "drained-wallet",
        "Drained wallet",
        {
            "all": [
                _if("amount", ">", "1000"),
                _if("share", ">=", 95),
                _if("type", "!=", "PURCHASE"),
            ]
        },
        "SCORE",
        400,
    ),
)


def upgrade() -> None:
    connection = op.get_bind()
    rules = [
        {
            "id": uuid4(),
            "key": key,
            "name": name,
            "conditions": json.dumps(conditions),
            "outcome": outcome,
            "weight": weight,
        }
        for key, name, conditions, outcome, weight in RULES
    ]
    connection.execute(
        sa.text("""
            INSERT INTO risk_rules (id, key, version, name, conditions, outcome, weight, status,
                created_at, activated_at)
            VALUES (:id, :key, 1, :name, CAST(:conditions AS jsonb), :outcome, :weight, 'ACTIVE',
                now(), now())
        """),
        rules,
    )
    connection.execute(
        sa.text("""
            INSERT INTO risk_rulesets (id, version, active, shadow, created_at)
            VALUES (:id, 1, CAST(:active AS uuid[]), '{}', now())
        """),
        {"id": uuid4(), "active": [rule["id"] for rule in rules]},
    )


def downgrade() -> None:
    """The tables of the migration before are dropped with all rules."""
