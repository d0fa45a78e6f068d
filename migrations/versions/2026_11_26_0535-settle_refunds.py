"""Let administrators settle refunds that the gateway refuses, also as paid outside of the system.

`downgrade` refuses while such refunds exist: the older version cannot express them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024_settle_refunds"
down_revision = "0023_sell_nothing"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("refunds", sa.Column("settled_by", sa.Uuid(), nullable=True))
    op.add_column("refunds", sa.Column("settlement_reason", sa.String(), nullable=True))
    op.create_foreign_key("fk_refunds_settled_by", "refunds", "users", ["settled_by"], ["id"])
    op.create_check_constraint(
        op.f("ck_refunds_settlement_has_reason"),
        "refunds",
        "(settled_by IS NULL) = (settlement_reason IS NULL)",
    )
    op.create_check_constraint(
        op.f("ck_refunds_external_is_settled"),
        "refunds",
        "destination <> 'EXTERNAL' OR settled_by IS NOT NULL",
    )
    allow_destinations("'WALLET', 'GATEWAY', 'EXTERNAL'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    allow_destinations("'WALLET', 'GATEWAY'")
    op.drop_constraint(op.f("ck_refunds_external_is_settled"), "refunds")
    op.drop_constraint(op.f("ck_refunds_settlement_has_reason"), "refunds")
    op.drop_column("refunds", "settlement_reason")
    op.drop_column("refunds", "settled_by")


def allow_destinations(values: str) -> None:
    op.drop_constraint(op.f("ck_refunds_destination_known"), "refunds")
    op.create_check_constraint(
        op.f("ck_refunds_destination_known"), "refunds", f'"destination" IN ({values})'
    )
