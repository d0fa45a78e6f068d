"""Create rules, lists, decisions and cases of risk screening."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058_risk"
down_revision = "0057c_requested_cancellations"

_ORDER_STATUSES: Final = (
    "'PENDING', 'PAYMENT_PROCESSING', {}'COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED'"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_rules()
    create_rulesets()
    create_list_entries()
    create_decisions()
    create_cases()
    create_case_notes()
    guard()
    replace_order_statuses("'PENDING_REVIEW', ")


def guard() -> None:
    """What is decided stays so, and what decisions refer to never changes."""
    for table in ("risk_rulesets", "risk_case_notes"):
        op.execute(f"""
            CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """)
    op.execute("""
        CREATE FUNCTION keep_risk_rule() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF OLD.status = 'DRAFT' THEN
                RETURN coalesce(NEW, OLD);
            END IF;
            IF TG_OP = 'DELETE' OR NEW.status = 'DRAFT' OR OLD.status = 'RETIRED'
                OR (NEW.name, NEW.description, NEW.conditions, NEW.outcome, NEW.weight)
                    IS DISTINCT FROM
                    (OLD.name, OLD.description, OLD.conditions, OLD.outcome, OLD.weight)
            THEN
                RAISE EXCEPTION 'a rule that has been in force cannot be changed';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER keep_risk_rule BEFORE UPDATE OR DELETE ON risk_rules
        FOR EACH ROW EXECUTE FUNCTION keep_risk_rule()
    """)
    op.execute("""
        CREATE FUNCTION keep_risk_case() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'a case that is decided cannot be changed';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER keep_risk_case BEFORE UPDATE OR DELETE ON risk_cases
        FOR EACH ROW WHEN (OLD.status <> 'OPEN') EXECUTE FUNCTION keep_risk_case()
    """)


def replace_order_statuses(added: str) -> None:
    # Validated later, without a lock that would stop sales.
    op.drop_constraint(op.f("ck_orders_status_known"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_status_known"),
        "orders",
        f'"status" IN ({_ORDER_STATUSES.format(added)})',
        postgresql_not_valid=True,
    )
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_status_known")


def create_rules() -> None:
    op.create_table(
        "risk_rules",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("conditions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("activation_requested_by", sa.Uuid(), nullable=True),
        sa.Column("activated_by", sa.Uuid(), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status <> 'ACTIVE' OR activated_at IS NOT NULL) AND (status = 'RETIRED') = (retired_at IS NOT NULL)",
            name=op.f("ck_risk_rules_status_has_time"),
        ),
        sa.CheckConstraint(
            "\"outcome\" IN ('SCORE', 'REVIEW', 'DECLINE', 'APPROVE')",
            name=op.f("ck_risk_rules_outcome_known"),
        ),
        sa.CheckConstraint(
            "\"status\" IN ('DRAFT', 'SHADOW', 'ACTIVE', 'RETIRED')",
            name=op.f("ck_risk_rules_status_known"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_risk_rules_version_positive")),
        sa.CheckConstraint("weight BETWEEN 0 AND 1000", name=op.f("ck_risk_rules_weight_within")),
        sa.ForeignKeyConstraint(
            ["activated_by"], ["users.id"], name=op.f("fk_risk_rules_activated_by")
        ),
        sa.ForeignKeyConstraint(
            ["activation_requested_by"],
            ["users.id"],
            name=op.f("fk_risk_rules_activation_requested_by"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_risk_rules_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_rules")),
        sa.UniqueConstraint("key", "version", name="uq_risk_rules_version"),
    )
    op.create_index(
        "uq_risk_rules_active",
        "risk_rules",
        ["key"],
        unique=True,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_index(
        "uq_risk_rules_draft",
        "risk_rules",
        ["key"],
        unique=True,
        postgresql_where=sa.text("status = 'DRAFT'"),
    )
    op.create_index(
        "uq_risk_rules_shadow",
        "risk_rules",
        ["key"],
        unique=True,
        postgresql_where=sa.text("status = 'SHADOW'"),
    )


def create_rulesets() -> None:
    op.create_table(
        "risk_rulesets",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("active", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("shadow", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_rulesets")),
        sa.UniqueConstraint("version", name=op.f("uq_risk_rulesets_version")),
    )


def create_list_entries() -> None:
    op.create_table(
        "risk_list_entries",
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "\"kind\" IN ('USER', 'ADDRESS', 'EMAIL_DOMAIN', 'DEVICE')",
            name=op.f("ck_risk_list_entries_kind_known"),
        ),
        sa.CheckConstraint(
            "\"list\" IN ('ALLOW', 'BLOCK')", name=op.f("ck_risk_list_entries_list_known")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_risk_list_entries_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_list_entries")),
        sa.UniqueConstraint("list", "kind", "value", name="uq_risk_list_entries_value"),
    )


def create_decisions() -> None:
    op.create_table(
        "risk_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("ruleset", sa.BigInteger(), nullable=True),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("latency_us", sa.BigInteger(), nullable=True),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("count_total", sa.BigInteger(), nullable=False),
        sa.Column("sum_total", sa.BigInteger(), nullable=False),
        sa.Column("refused_total", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(outcome = 'REFUSED') = (ruleset IS NULL) AND (ruleset IS NULL) = (score IS NULL) AND (outcome IN ('DECLINE', 'REFUSED')) = (code IS NOT NULL)",
            name=op.f("ck_risk_decisions_screened_has_rules"),
        ),
        sa.CheckConstraint(
            "\"kind\" IN ('PURCHASE', 'TRANSFER', 'PAYMENT_REQUEST', 'MERCHANT_CODE', 'HOLD', 'WITHDRAWAL', 'PAYOUT')",
            name=op.f("ck_risk_decisions_kind_known"),
        ),
        sa.CheckConstraint(
            "\"outcome\" IN ('APPROVE', 'REVIEW', 'DECLINE', 'REFUSED')",
            name=op.f("ck_risk_decisions_outcome_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_risk_decisions_amount_positive")),
        sa.CheckConstraint(
            "score BETWEEN 0 AND 10000", name=op.f("ck_risk_decisions_score_within")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_decisions")),
    )
    op.create_index(
        "ix_risk_decisions_user",
        "risk_decisions",
        ["user_id", "currency", "created_at", "ordinal"],
        unique=False,
    )


def create_cases() -> None:
    op.create_table(
        "risk_cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=True),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("payment", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("result_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(status IN ('RELEASED', 'REJECTED')) = (decided_by IS NOT NULL)",
            name=op.f("ck_risk_cases_decided_by_one"),
        ),
        sa.CheckConstraint(
            "\"kind\" IN ('PURCHASE', 'TRANSFER', 'PAYMENT_REQUEST', 'MERCHANT_CODE', 'HOLD', 'WITHDRAWAL', 'PAYOUT')",
            name=op.f("ck_risk_cases_kind_known"),
        ),
        sa.CheckConstraint(
            "\"status\" IN ('OPEN', 'RELEASED', 'REJECTED', 'EXPIRED') AND (status = 'OPEN') = (decided_at IS NULL)",
            name=op.f("ck_risk_cases_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_risk_cases_amount_positive")),
        sa.ForeignKeyConstraint(
            ["assigned_to"], ["users.id"], name=op.f("fk_risk_cases_assigned_to")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_risk_cases_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["wallet_holds.id"], name=op.f("fk_risk_cases_hold_id")
        ),
        sa.ForeignKeyConstraint(["payee_id"], ["users.id"], name=op.f("fk_risk_cases_payee_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_risk_cases_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_cases")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_risk_cases_decision_id")),
        sa.UniqueConstraint("hold_id", name=op.f("uq_risk_cases_hold_id")),
    )
    op.create_index(
        "ix_risk_cases_due",
        "risk_cases",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_index("ix_risk_cases_status", "risk_cases", ["status", "id"], unique=False)
    op.create_index("ix_risk_cases_user", "risk_cases", ["user_id", "id"], unique=False)


def create_case_notes() -> None:
    op.create_table(
        "risk_case_notes",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_risk_case_notes_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["risk_cases.id"], name=op.f("fk_risk_case_notes_case_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_case_notes")),
    )
    op.create_index("ix_risk_case_notes_case", "risk_case_notes", ["case_id", "id"], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in (
        "risk_case_notes",
        "risk_cases",
        "risk_decisions",
        "risk_list_entries",
        "risk_rulesets",
        "risk_rules",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_risk_rule()")
    op.execute("DROP FUNCTION keep_risk_case()")
    # Orders that are under review violate it.
    op.drop_constraint(op.f("ck_orders_status_known"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_status_known"),
        "orders",
        f'"status" IN ({_ORDER_STATUSES.format("")})',
        postgresql_not_valid=True,
    )
