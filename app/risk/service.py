"""Rules and lists, which administrators manage.

A rule is a draft until it is put into shadow, where it is evaluated without effect, or activated.
From then on it never changes: a change is a new version, whose activation retires the one before.
"""

from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.confusables import CONFUSABLE, is_confusable
from app.auth.email_addresses import canonical_domain
from app.auth.service import fold_email
from app.auth.sign_in import devices
from app.common import clock
from app.common.errors import BadRequest
from app.common.ids import new_id, parse_id
from app.common.networks import network_of
from app.common.pagination import Page, PageRequest
from app.common.process_state import Slot
from app.risk import conditions, repository, rulesets
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
)
from app.risk.models import ListKind, ListName, RiskDecision, RiskListEntry, RiskRule, RuleStatus

Valid = TypeVar("Valid")

_NO_ADDRESS: Final = "Must be an IPv4 address, an IPv6 address or an IPv6 network of 64 bits."
_NO_DOMAIN: Final = "Must be a domain that email addresses can have."
_NO_DEVICE: Final = "Must be the ID of a device: a User-Agent can only be blocked."

#: All entries are in the memory of each process.
MAX_ENTRIES: Final = 20_000

#: Whether a second administrator has to confirm an activation.
four_eyes: Final[Slot[bool]] = Slot("activation of rules by two", default=False)


def list_rules(
    session: Session, page: PageRequest, *, status: str | None = None, key: str | None = None
) -> Page[RiskRule]:
    """All versions of all rules, newest first."""
    return repository.list_rules(session, page, status=status, key=key)


def require_rule(session: Session, rule_id: UUID) -> RiskRule:
    """Raises RuleNotFound."""
    rule = repository.get_rule(session, rule_id)
    if rule is None:
        raise RuleNotFound
    return rule


def create_draft(session: Session, *, actor_id: UUID | None, key: str, **values: Any) -> RiskRule:
    """Create a rule, or the next version of one. actor_id: None for the command line.

    values: name, description, conditions (JSON), outcome, weight (thousandths).
    Raises DraftExists, ConditionsInvalid.
    """
    conditions.require_valid(values["conditions"])
    version = repository.get_last_version(session, key) + 1
    try:
        with session.begin_nested():
            rule = repository.insert_rule(
                session,
                id=new_id(),
                key=key,
                version=version,
                status=RuleStatus.DRAFT.value,
                created_by=actor_id,
                created_at=clock.now(),
                **values,
            )
    except IntegrityError as error:
        raise DraftExists from error
    _record(session, rule, actor_id=actor_id, verb="create")
    return rule


def update_draft(session: Session, *, actor_id: UUID, rule_id: UUID, **changes: Any) -> RiskRule:
    """Change a draft. A requested activation has to be requested again.

    Raises RuleNotFound, RuleFixed, ConditionsInvalid.
    """
    rule = _require_draft(session, rule_id)
    if "conditions" in changes:
        conditions.require_valid(changes["conditions"])
    for name, value in changes.items():
        setattr(rule, name, value)
    rule.activation_requested_by = None
    _record(session, rule, actor_id=actor_id, verb="update")
    return rule


def delete_draft(session: Session, *, actor_id: UUID, rule_id: UUID) -> None:
    """Raises RuleNotFound, RuleFixed."""
    rule = _require_draft(session, rule_id)
    _record(session, rule, actor_id=actor_id, verb="delete")
    repository.delete_rule(session, rule)


def start_shadow(session: Session, *, actor_id: UUID | None, rule_id: UUID) -> RiskRule:
    """Evaluate a draft with every payment, without effect. It replaces the version in shadow.

    Needs the ledger lock. Raises RuleNotFound, RuleNotActivatable, TooManyRules.
    """
    rule = _require_for_update(session, rule_id)
    if rule.status != RuleStatus.DRAFT:
        raise RuleNotActivatable(status=rule.status)
    _retire(session, rule.key, RuleStatus.SHADOW)
    rule.status = RuleStatus.SHADOW.value
    _record(session, rule, actor_id=actor_id, verb="shadow")
    rulesets.renew(session)
    return rule


def activate(session: Session, *, actor_id: UUID | None, rule_id: UUID) -> RiskRule:
    """Let a draft, or a rule in shadow, decide. It replaces the active version.

    With `four_eyes`, the first call requests it and another administrator confirms it: the rule
    that is returned is not active until then. Needs the ledger lock.
    Raises RuleNotFound, RuleNotActivatable, SecondAdministratorNeeded, TooManyRules.
    """
    rule = _require_for_update(session, rule_id)
    if rule.status not in (RuleStatus.DRAFT, RuleStatus.SHADOW):
        raise RuleNotActivatable(status=rule.status)
    if four_eyes() and actor_id is not None:
        if rule.activation_requested_by is None:
            rule.activation_requested_by = actor_id
            _record(session, rule, actor_id=actor_id, verb="request-activation")
            return rule
        if rule.activation_requested_by == actor_id:
            raise SecondAdministratorNeeded
    _retire(session, rule.key, RuleStatus.ACTIVE)
    rule.status, rule.activated_by = RuleStatus.ACTIVE.value, actor_id
    rule.activated_at = clock.now()
    _record(session, rule, actor_id=actor_id, verb="activate")
    rulesets.renew(session)
    return rule


def retire(session: Session, *, actor_id: UUID, rule_id: UUID) -> RiskRule:
    """End a rule that is active or in shadow. Needs the ledger lock.

    Raises RuleNotFound, RuleNotActivatable.
    """
    rule = _require_for_update(session, rule_id)
    if rule.status not in (RuleStatus.ACTIVE, RuleStatus.SHADOW):
        raise RuleNotActivatable(status=rule.status)
    rule.status, rule.retired_at = RuleStatus.RETIRED.value, clock.now()
    _record(session, rule, actor_id=actor_id, verb="retire")
    rulesets.renew(session)
    return rule


def _retire(session: Session, key: str, status: RuleStatus) -> None:
    """Retire the version of a rule that has this status, if there is one."""
    before = repository.get_rule_of(session, key=key, status=status)
    if before is not None:
        before.status, before.retired_at = RuleStatus.RETIRED.value, clock.now()
        session.flush()


def _require_for_update(session: Session, rule_id: UUID) -> RiskRule:
    rule = repository.get_rule_for_update(session, rule_id)
    if rule is None:
        raise RuleNotFound
    return rule


def _require_draft(session: Session, rule_id: UUID) -> RiskRule:
    rule = _require_for_update(session, rule_id)
    if rule.status != RuleStatus.DRAFT:
        raise RuleFixed
    return rule


def _record(session: Session, rule: RiskRule, *, actor_id: UUID | None, verb: str) -> None:
    session.flush()
    audit.record(
        session,
        actor_id=actor_id,
        action=f"risk-rule.{verb}",
        target=("risk_rule", rule.id),
        details={"key": rule.key, "version": rule.version},
    )


def require_decision(session: Session, decision_id: UUID) -> tuple[RiskDecision, dict[str, Any]]:
    """A decision, and what the rules have read. Raises DecisionNotFound."""
    found = repository.get_decision(session, decision_id)
    if found is None:
        raise DecisionNotFound
    return found, rulesets.inputs_of(session, found)


def list_entries(
    session: Session, page: PageRequest, *, list_name: str | None = None, kind: str | None = None
) -> Page[RiskListEntry]:
    """What is on the lists, newest first."""
    return repository.list_entries(session, page, list_name=list_name, kind=kind)


def add_entry(
    session: Session,
    *,
    actor_id: UUID | None,
    list_name: str,
    kind: str,
    value: str,
    reason: str,
    expires_at: datetime | None = None,
) -> RiskListEntry:
    """Put a value on a list. Expired entries are deleted on the way. Needs the ledger lock.

    Raises BadRequest, UserNotFound, OwnAccount, ListEntryExists, ListFull.
    """
    now = clock.now()
    if expires_at is not None and expires_at <= now:
        raise BadRequest(details={"expiresAt": ["Must be in the future."]})
    value = _normalized(session, ListName(list_name), ListKind(kind), value, actor_id=actor_id)
    repository.delete_expired_entries(session, now=now)
    if repository.count_entries(session) >= MAX_ENTRIES:
        raise ListFull
    try:
        with session.begin_nested():
            entry = repository.insert_entry(
                session,
                id=new_id(),
                list=list_name,
                kind=kind,
                value=value,
                reason=reason,
                expires_at=expires_at,
                created_by=actor_id,
                created_at=now,
            )
    except IntegrityError as error:
        raise ListEntryExists from error
    _record_entry(session, entry.id, entry, actor_id=actor_id, verb="add")
    return entry


def delete_entry(session: Session, *, actor_id: UUID, entry_id: UUID) -> None:
    """Take a value from its list. Needs the ledger lock. Raises ListEntryNotFound."""
    deleted = repository.delete_entry(session, entry_id)
    if deleted is None:
        raise ListEntryNotFound
    _record_entry(session, entry_id, deleted, actor_id=actor_id, verb="delete")


def _normalized(
    session: Session, list_name: ListName, kind: ListKind, value: str, *, actor_id: UUID | None
) -> str:
    """The value as attempts have it. Raises BadRequest, UserNotFound, OwnAccount."""
    if kind is ListKind.USER:
        user_id = _require_valid(parse_id(value.lower()), "Must be the ID of a user.")
        auth.require_user(session, user_id)
        auth.require_other_account(actor_id, user_id)
        return str(user_id)
    if kind is ListKind.ADDRESS:
        return _require_valid(_network(value), _NO_ADDRESS)
    if kind is ListKind.EMAIL_DOMAIN:
        domain = _require_valid(canonical_domain(value.removeprefix("@")), _NO_DOMAIN)
        # It would be another domain than the one that its readers take it for.
        is_misread = list_name is ListName.ALLOW and is_confusable(f"somebody@{domain}")
        return _require_valid(None if is_misread else fold_email(domain), CONFUSABLE)
    if list_name is ListName.ALLOW:
        return _require_valid(value if devices.is_id(value) else None, _NO_DEVICE)
    return value


def _require_valid(value: Valid | None, problem: str) -> Valid:
    """Raises BadRequest."""
    if value is None:
        raise BadRequest(details={"value": [problem]})
    return value


def _network(text: str) -> str | None:
    """As `network_of`, also of an IPv6 network; None if it is neither that nor an address."""
    try:
        if "/" not in text:
            return network_of(str(ip_address(text)))
        network = ip_network(text)
    except ValueError:
        return None
    return str(network) if (network.version, network.prefixlen) == (6, 64) else None


def _record_entry(
    session: Session, entry_id: UUID, entry: Any, *, actor_id: UUID | None, verb: str
) -> None:
    audit.record(
        session,
        actor_id=actor_id,
        action=f"risk-list.{verb}",
        target=("risk_list_entry", entry_id),
        reason=entry.reason,
        details={"list": entry.list, "kind": entry.kind},
    )
    rulesets.renew(session)
