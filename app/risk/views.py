"""HTTP of rules and lists, for administrators."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.errors import OwnAccount, UserNotFound
from app.auth.guard import confirm_admin_code, current_admin, requires, requires_admin_code
from app.auth.models import Role
from app.common.db import reading, transaction
from app.common.errors import BadRequest
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.ledger_lock.service import ledger_transaction
from app.risk import service
from app.risk.conditions import ConditionsInvalid
from app.risk.errors import (
    DecisionNotFound,
    DraftExists,
    ListEntryExists,
    ListEntryNotFound,
    ListFull,
    RuleFixed,
    RuleNotActivatable,
    RuleNotFound,
    SecondAdministratorNeeded,
    TooManyRules,
)
from app.risk.models import RiskDecision, RiskListEntry, RiskRule
from app.risk.schemas import (
    AddRiskListEntryIn,
    CreateRiskRuleIn,
    EntriesArgs,
    EntryList,
    EntryOut,
    RiskDecisionOut,
    RuleList,
    RuleOut,
    RulesArgs,
    UpdateRiskRuleIn,
    all_reasons,
)

T = TypeVar("T")

admin_blp = Blueprint(
    "admin-risk", __name__, url_prefix="/admin/risk", description="Rules and lists of screening"
)


@admin_blp.get("/rules")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(RulesArgs, location="query")
@admin_blp.response(200, RuleList)
def list_risk_rules(args: dict[str, Any]) -> Any:
    """List risk rules

    All versions of all rules, newest first. Rules that are ACTIVE decide about every payment.
    """
    with reading() as session:
        current_admin(session)
        return service.list_rules(session, **args)


@admin_blp.get("/rules/<uuid:rule_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, RuleOut)
@admin_blp.errors(RuleNotFound)
def get_risk_rule(rule_id: UUID) -> RiskRule:
    """Get a risk rule

    One version of it.
    """
    with reading() as session:
        current_admin(session)
        return service.require_rule(session, rule_id)


@admin_blp.post("/rules")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(CreateRiskRuleIn)
@idempotent(admin_blp)
@admin_blp.response(201, RuleOut)
@admin_blp.errors(ConditionsInvalid, DraftExists)
def create_risk_rule(body: dict[str, Any]) -> RiskRule:
    """Create a draft of a risk rule

    A new rule, or the next version of the rule with this `key`. It has no effect until it is put
    into shadow or activated.
    """
    with transaction() as session:
        actor = current_admin(session)
        return service.create_draft(session, actor_id=actor.id, **body)


@admin_blp.patch("/rules/<uuid:rule_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(UpdateRiskRuleIn)
@idempotent(admin_blp)
@admin_blp.response(200, RuleOut)
@admin_blp.errors(RuleNotFound, RuleFixed, ConditionsInvalid)
def update_risk_rule(body: dict[str, Any], rule_id: UUID) -> RiskRule:
    """Change a draft of a risk rule

    What has been in force never changes: create the next version instead.
    """
    with transaction() as session:
        actor = current_admin(session)
        return service.update_draft(session, actor_id=actor.id, rule_id=rule_id, **body)


@admin_blp.delete("/rules/<uuid:rule_id>")
@requires(admin_blp, Role.ADMIN)
@idempotent(admin_blp)
@admin_blp.response(204)
@admin_blp.errors(RuleNotFound, RuleFixed)
def delete_risk_rule(rule_id: UUID) -> None:
    """Delete a draft of a risk rule

    Other versions stay as they are.
    """
    with transaction() as session:
        actor = current_admin(session)
        service.delete_draft(session, actor_id=actor.id, rule_id=rule_id)


@admin_blp.post("/rules/<uuid:rule_id>/shadow")
@requires(admin_blp, Role.ADMIN)
@idempotent(admin_blp)
@admin_blp.response(200, RuleOut)
@admin_blp.errors(RuleNotFound, RuleNotActivatable, TooManyRules)
@requires_admin_code(admin_blp)
def shadow_risk_rule(rule_id: UUID) -> RiskRule:
    """Put a draft of a risk rule into shadow

    From now on it is evaluated with every payment, and decisions tell where it matched, but it has
    no effect. It replaces the version that is in shadow.
    """
    return _change(service.start_shadow, rule_id=rule_id)


@admin_blp.post("/rules/<uuid:rule_id>/activate")
@requires(admin_blp, Role.ADMIN)
@idempotent(admin_blp)
@admin_blp.response(200, RuleOut)
@admin_blp.errors(RuleNotFound, RuleNotActivatable, SecondAdministratorNeeded, TooManyRules)
@requires_admin_code(admin_blp)
def activate_risk_rule(rule_id: UUID) -> RiskRule:
    """Activate a risk rule

    It decides about every payment from now on, in place of the version that was active. With
    `RISK_FOUR_EYES` the first call requests the activation, which another administrator confirms
    with the same call.
    """
    return _change(service.activate, rule_id=rule_id)


@admin_blp.post("/rules/<uuid:rule_id>/retire")
@requires(admin_blp, Role.ADMIN)
@idempotent(admin_blp)
@admin_blp.response(200, RuleOut)
@admin_blp.errors(RuleNotFound, RuleNotActivatable)
@requires_admin_code(admin_blp)
def retire_risk_rule(rule_id: UUID) -> RiskRule:
    """Retire a risk rule

    It has no effect any more, for good. Decisions that refer to it stay as they are.
    """
    return _change(service.retire, rule_id=rule_id)


@admin_blp.get("/decisions/<uuid:decision_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, RiskDecisionOut)
@admin_blp.errors(DecisionNotFound)
def get_risk_decision(decision_id: UUID) -> dict[str, Any]:
    """Get a risk decision

    Tells why a payment was declined, by the `reference` of the error that the payer received, which
    tells neither the rules nor the score. Decisions are kept for `RETENTION_RISK`.
    """
    with reading() as session:
        current_admin(session)
        decision, inputs = service.require_decision(session, decision_id)
        columns = (column.key for column in RiskDecision.__table__.c)
        values = {name: getattr(decision, name) for name in columns}
        return values | {"reasons": all_reasons(decision.reasons), "inputs": inputs}


@admin_blp.get("/lists")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(EntriesArgs, location="query")
@admin_blp.response(200, EntryList)
def list_risk_list_entries(args: dict[str, Any]) -> Any:
    """List the entries of the allow and block lists

    Newest first. What they mean is up to the rules: those of the installation decline what is
    blocked, and approve what is allowed and not blocked.
    """
    with reading() as session:
        current_admin(session)
        return service.list_entries(session, **args)


@admin_blp.post("/lists")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(AddRiskListEntryIn)
@idempotent(admin_blp)
@admin_blp.response(201, EntryOut)
@admin_blp.errors(BadRequest, UserNotFound, OwnAccount, ListEntryExists, ListFull)
@requires_admin_code(admin_blp)
def add_risk_list_entry(body: dict[str, Any]) -> RiskListEntry:
    """Add an entry to the allow or block list

    A user, an address, a domain of email addresses or a device, until it expires.
    """
    return _change(service.add_entry, **body)


@admin_blp.delete("/lists/<uuid:entry_id>")
@requires(admin_blp, Role.ADMIN)
@idempotent(admin_blp)
@admin_blp.response(204)
@admin_blp.errors(ListEntryNotFound)
@requires_admin_code(admin_blp)
def delete_risk_list_entry(entry_id: UUID) -> None:
    """Delete an entry of the allow or block list

    Payments are decided without it from now on.
    """
    _change(service.delete_entry, entry_id=entry_id)


def _change(change: Callable[..., T], **values: Any) -> T:
    """Call `change` on behalf of the caller, under the ledger lock: whatever is decided afterwards
    is decided with it."""

    def work(session: Session) -> T:
        changed = change(session, actor_id=current_admin(session).id, **values)
        confirm_admin_code(session)
        return changed

    return ledger_transaction(work)
