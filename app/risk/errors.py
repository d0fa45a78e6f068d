"""Why payments are declined, and why rules, lists and cases cannot be changed."""

from typing import Self
from uuid import UUID

from app.common.errors import Conflict, Forbidden, NotFound


class RiskDeclined(Forbidden):
    """Never says which rule declined it: who knows the rules can avoid them."""

    code = "RISK_DECLINED"
    message = "This payment was declined. If you need help, quote the reference."

    def __init__(self, reference: UUID, *, score: str | None = None) -> None:
        super().__init__(details={"reference": str(reference)})
        self.score = score

    @classmethod
    def example(cls) -> Self:
        return cls(UUID("0197f2a4-5b1c-7c3e-9d5f-2a6b8c0d1e2f"))


class RuleNotFound(NotFound):
    code = "RISK_RULE_NOT_FOUND"
    message = "Rule not found"


class RuleFixed(Conflict):
    code = "RISK_RULE_FIXED"
    message = "Only a draft can be changed or deleted; create a new version"


class RuleNotActivatable(Conflict):
    code = "RISK_RULE_NOT_ACTIVATABLE"
    message = "The status of this rule does not allow it"

    def __init__(self, *, status: str) -> None:
        super().__init__(
            f"The status of this rule does not allow it: {status}", details={"status": status}
        )

    @classmethod
    def example(cls) -> Self:
        return cls(status="RETIRED")


class DraftExists(Conflict):
    code = "RISK_DRAFT_EXISTS"
    message = "This rule already has a draft; change or delete it first"


class SecondAdministratorNeeded(Conflict):
    code = "RISK_SECOND_ADMINISTRATOR_NEEDED"
    message = "Another administrator has to confirm the activation that you have requested"


class TooManyRules(Conflict):
    code = "RISK_TOO_MANY_RULES"
    message = "The maximum number of rules is in force; retire one first"


class ListEntryNotFound(NotFound):
    code = "RISK_LIST_ENTRY_NOT_FOUND"
    message = "List entry not found"


class ListEntryExists(Conflict):
    code = "RISK_LIST_ENTRY_EXISTS"
    message = "This value is already on the list"


class ListFull(Conflict):
    code = "RISK_LIST_FULL"
    message = "The lists are full; delete entries first"


class DecisionNotFound(NotFound):
    code = "RISK_DECISION_NOT_FOUND"
    message = "Decision not found"


class CaseNotFound(NotFound):
    code = "RISK_CASE_NOT_FOUND"
    message = "Case not found"


class CaseDecided(Conflict):
    code = "RISK_CASE_DECIDED"
    message = "This case has already been decided"

    def __init__(self, *, status: str) -> None:
        super().__init__(
            f"This case has already been decided: {status}", details={"status": status}
        )

    @classmethod
    def example(cls) -> Self:
        return cls(status="RELEASED")


class NotReleasable(Conflict):
    """What was asked for is no longer possible. The case stays open, to be rejected."""

    code = "RISK_CASE_NOT_RELEASABLE"
    message = "This payment can no longer be made"

    def __init__(self, *, code: str, reason: str) -> None:
        super().__init__(
            f"This payment can no longer be made: {reason}",
            details={"code": code, "reason": reason},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(code="RECIPIENT_CANNOT_RECEIVE", reason="The recipient cannot receive it")


class ReviewNotFound(NotFound):
    code = "REVIEW_NOT_FOUND"
    message = "No payment of yours under review has this ID"
