"""Rules, lists, decisions and cases of risk screening."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.common.bulk import row_class
from app.common.columns import Created, Identified, Monetary, known_values, mutable
from app.common.db import Base


class PaymentKind(StrEnum):
    """What moves money out of a wallet."""

    PURCHASE = "PURCHASE"
    TRANSFER = "TRANSFER"
    PAYMENT_REQUEST = "PAYMENT_REQUEST"
    MERCHANT_CODE = "MERCHANT_CODE"
    HOLD = "HOLD"
    WITHDRAWAL = "WITHDRAWAL"
    PAYOUT = "PAYOUT"


class RuleStatus(StrEnum):
    """DRAFT: can be changed; SHADOW: evaluated without effect; ACTIVE: decides; RETIRED."""

    DRAFT = "DRAFT"
    SHADOW = "SHADOW"
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


class RuleOutcome(StrEnum):
    """What a rule that matches demands. SCORE: nothing but its weight; APPROVE: no other rule."""

    SCORE = "SCORE"
    REVIEW = "REVIEW"
    DECLINE = "DECLINE"
    APPROVE = "APPROVE"


class Outcome(StrEnum):
    """What became of an attempt. REFUSED: by something other than risk, such as too few funds."""

    APPROVE = "APPROVE"
    REVIEW = "REVIEW"
    DECLINE = "DECLINE"
    REFUSED = "REFUSED"


class RiskRule(Identified, Created, Base):
    """One version of a rule. It never changes once it has left DRAFT, except for its status.

    key: the same for all versions; conditions: as in `conditions.parse`; weight: thousandths.
    activation_requested_by: the administrator who asked for the activation that another confirms.
    """

    __tablename__ = "risk_rules"
    __table_args__ = (
        UniqueConstraint("key", "version", name="uq_risk_rules_version"),
        known_values("status", RuleStatus),
        known_values("outcome", RuleOutcome),
        CheckConstraint("weight BETWEEN 0 AND 1000", name="weight_within"),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint(
            "(status <> 'ACTIVE' OR activated_at IS NOT NULL)"
            " AND (status = 'RETIRED') = (retired_at IS NOT NULL)",
            name="status_has_time",
        ),
        *(
            Index(
                f"uq_risk_rules_{status.lower()}",
                "key",
                unique=True,
                postgresql_where=text(f"status = '{status}'"),
            )
            for status in ("DRAFT", "SHADOW", "ACTIVE")
        ),
        mutable(
            "name",
            "description",
            "conditions",
            "outcome",
            "weight",
            "status",
            "activation_requested_by",
            "activated_by",
            "activated_at",
            "retired_at",
            deleted=True,
        ),
    )

    key: Mapped[str]
    version: Mapped[int]
    name: Mapped[str]
    description: Mapped[str | None]
    conditions: Mapped[dict[str, Any]]
    outcome: Mapped[str]
    weight: Mapped[int]
    status: Mapped[str]
    #: None for the rules that the system was installed with.
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    activation_requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    activated_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]


class RiskRuleset(Identified, Created, Base):
    """The rules in force from one change of rules or lists to the next. Append-only.

    The latest version is in force. active, shadow: ids of rules, in the order of evaluation.
    """

    __tablename__ = "risk_rulesets"
    __table_args__ = ({"info": {"append_only": True}},)

    version: Mapped[int] = mapped_column(unique=True)
    active: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    shadow: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))


class ListName(StrEnum):
    ALLOW = "ALLOW"
    BLOCK = "BLOCK"


class ListKind(StrEnum):
    USER = "USER"
    ADDRESS = "ADDRESS"
    EMAIL_DOMAIN = "EMAIL_DOMAIN"
    DEVICE = "DEVICE"


class RiskListEntry(Identified, Created, Base):
    """A user, address, e-mail domain or device that rules know. expires_at: None for never."""

    __tablename__ = "risk_list_entries"
    __table_args__ = (
        known_values("list", ListName),
        known_values("kind", ListKind),
        UniqueConstraint("list", "kind", "value", name="uq_risk_list_entries_value"),
        mutable(deleted=True),
    )

    list: Mapped[str]
    kind: Mapped[str]
    value: Mapped[str]
    reason: Mapped[str]
    expires_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))


class RiskDecision(Created, Monetary, Base):
    """An attempt to move money out of a wallet, and what was decided about it.

    Never changed, and deleted when it is old.
    inputs: everything that rules have read, and the settings they refer to, as `Ruleset.pack` has
    it; reasons: keys and versions of the rules that matched; shadow: of those without effect;
    skipped: of those that failed; score: ten-thousandths; latency_us: microseconds that the
    evaluation took.
    code: of the error that refused it. A REFUSED attempt was not screened.
    The totals of a user's attempts in a currency so far, this one included: the number of all
    attempts (ordinal), the number and the sum of those that were approved or are under review, and
    the number of the others. So what happened in a window is a difference of two rows.
    """

    __tablename__ = "risk_decisions"
    __table_args__ = (
        known_values("kind", PaymentKind),
        known_values("outcome", Outcome),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("score BETWEEN 0 AND 10000", name="score_within"),
        CheckConstraint(
            "(outcome = 'REFUSED') = (ruleset IS NULL) AND (ruleset IS NULL) = (score IS NULL)"
            " AND (outcome IN ('DECLINE', 'REFUSED')) = (code IS NOT NULL)",
            name="screened_has_rules",
        ),
        # For the totals of a user: the last row, and the first in a window.
        Index("ix_risk_decisions_user", "user_id", "currency", "created_at", "ordinal"),
        mutable(deleted=True),
    )

    # Without foreign keys: a row is written with every payment, and refers to what the same
    # transaction has locked.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    payee_id: Mapped[UUID | None]
    kind: Mapped[str]
    outcome: Mapped[str]
    code: Mapped[str | None]
    score: Mapped[int | None]
    ruleset: Mapped[int | None]
    inputs: Mapped[dict[str, Any] | list[Any] | None] = mapped_column(JSONB)
    reasons: Mapped[dict[str, Any] | None]
    latency_us: Mapped[int | None]
    ordinal: Mapped[int]
    count_total: Mapped[int]
    sum_total: Mapped[int]
    refused_total: Mapped[int]


RiskDecisionRow: Final = row_class(RiskDecision)


class CaseStatus(StrEnum):
    """OPEN: waits for an administrator. EXPIRED: nobody decided in time, which rejects it."""

    OPEN = "OPEN"
    RELEASED = "RELEASED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class RiskCase(Created, Monetary, Base):
    """A payment that waits for a review, with its money on hold.

    decision_id: of the decision that asked for it; reference_id: the order, or the payout, that
    waits; None for what does not exist before it is released; payment: what to do on release, as
    its kind stores it; result_id: what the release has created.
    """

    __tablename__ = "risk_cases"
    __table_args__ = (
        known_values("kind", PaymentKind),
        known_values("status", CaseStatus, also="(status = 'OPEN') = (decided_at IS NULL)"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            "(status IN ('RELEASED', 'REJECTED')) = (decided_by IS NOT NULL)", name="decided_by_one"
        ),
        Index("ix_risk_cases_user", "user_id", "id"),
        Index("ix_risk_cases_status", "status", "id"),
        Index("ix_risk_cases_due", "expires_at", postgresql_where=text("status = 'OPEN'")),
        mutable(
            "status",
            "assigned_to",
            "snoozed_until",
            "decided_by",
            "decided_at",
            "reason",
            "result_id",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    decision_id: Mapped[UUID] = mapped_column(unique=True)
    kind: Mapped[str]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    payee_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("wallet_holds.id"), unique=True)
    reference_id: Mapped[UUID | None]
    payment: Mapped[dict[str, Any] | None]
    score: Mapped[int]
    status: Mapped[str]
    assigned_to: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    snoozed_until: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    result_id: Mapped[UUID | None]


RiskCaseRow: Final = row_class(RiskCase)


class RiskCaseNote(Identified, Created, Base):
    """What an administrator has noted about a case. Append-only."""

    __tablename__ = "risk_case_notes"
    __table_args__ = (
        Index("ix_risk_case_notes_case", "case_id", "id"),
        {"info": {"append_only": True}},
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("risk_cases.id"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str]
