"""Revoke and reissue single codes and licences, apply terms to sold ones, limit their activations.

The version before inserts none of the new columns, and revokes seen codes only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0043_licence_management"
down_revision = "0041_order_numbers"

#: Goods of one unit, which can be revoked and replaced.
_GOODS = ("licences", "product_codes")
_REVOCATION = {
    "reason_of_revocation": "revocation_reason IS NULL OR revoked_at IS NOT NULL",
    "withdrawn_is_revoked": "NOT is_withdrawn OR revocation_reason IS NOT NULL"
    " AND replaced_by IS NULL",
    "replaced_is_revoked": "replaced_by IS NULL OR revocation_reason IS NOT NULL",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in _GOODS:
        _add_revocation(table)
    op.drop_constraint(op.f("ck_product_codes_revoked_was_seen"), "product_codes")
    op.create_check_constraint(
        op.f("ck_product_codes_revoked_was_seen"),
        "product_codes",
        "revoked_at IS NULL OR seen_at IS NOT NULL"
        " OR revocation_reason IS NOT NULL AND order_id IS NOT NULL",
    )
    op.add_column("licences", sa.Column("activations_per_30_days", sa.BigInteger()))
    op.add_column("licences", sa.Column("limit_reached_at", sa.DateTime(timezone=True)))
    _extend_terms()
    op.add_column("licence_activations", sa.Column("seen_at", sa.DateTime(timezone=True)))
    op.add_column(
        "licence_activations",
        sa.Column("is_counted", sa.Boolean(), server_default="true", nullable=False),
    )
    op.create_index("ix_licence_activations_licence", "licence_activations", ["licence_id", "id"])


def _add_revocation(table: str) -> None:
    op.add_column(table, sa.Column("revocation_reason", sa.String()))
    op.add_column(
        table, sa.Column("is_withdrawn", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column(table, sa.Column("replaced_by", sa.Uuid()))
    op.create_foreign_key(f"fk_{table}_replaced_by", table, table, ["replaced_by"], ["id"])
    for name, condition in _REVOCATION.items():
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _extend_terms() -> None:
    op.add_column("licence_terms", sa.Column("activations_per_30_days", sa.BigInteger()))
    op.add_column("licence_terms", sa.Column("applying_after", sa.Uuid()))
    op.add_column(
        "licence_terms", sa.Column("applied", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("licence_terms", sa.Column("applied_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_licence_terms_activations_per_30_days_within"),
        "licence_terms",
        "activations_per_30_days BETWEEN 1 AND 1000000",
    )
    op.create_check_constraint(
        op.f("ck_licence_terms_applying_has_time"),
        "licence_terms",
        "applying_after IS NULL OR applied_at IS NOT NULL",
    )
    op.create_index(
        "ix_licence_terms_applying",
        "licence_terms",
        ["applied_at"],
        postgresql_where=sa.text("applying_after IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_licence_activations_licence", table_name="licence_activations")
    op.drop_column("licence_activations", "is_counted")
    op.drop_column("licence_activations", "seen_at")
    for column in ("applied_at", "applied", "applying_after", "activations_per_30_days"):
        op.drop_column("licence_terms", column)
    for column in ("limit_reached_at", "activations_per_30_days"):
        op.drop_column("licences", column)
    # The version before knows no revoked code that its buyer has not seen.
    op.execute("""
        UPDATE product_codes SET seen_at = revoked_at
        WHERE revoked_at IS NOT NULL AND seen_at IS NULL
    """)
    op.drop_constraint(op.f("ck_product_codes_revoked_was_seen"), "product_codes")
    op.create_check_constraint(
        op.f("ck_product_codes_revoked_was_seen"),
        "product_codes",
        "revoked_at IS NULL OR seen_at IS NOT NULL",
    )
    for table in _GOODS:
        for column in ("replaced_by", "is_withdrawn", "revocation_reason"):
            op.drop_column(table, column)
