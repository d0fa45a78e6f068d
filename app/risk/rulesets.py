"""The rules and lists in force. A process keeps the latest that it has read."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import new_id
from app.common.process_state import Slot
from app.risk import repository
from app.risk.conditions import ConditionsInvalid, Group, parse
from app.risk.errors import TooManyRules
from app.risk.evaluation import Parameters, Rule, Ruleset
from app.risk.learning import store
from app.risk.models import ListKind, ListName, RiskDecision, RuleOutcome, RuleStatus

#: Rules in force, active or in shadow.
MAX_RULES: Final = 200

#: A value of an attempt that may be on a list; None if it is not known.
Listed = tuple[ListKind, str | None]


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules and lists in force. id, version: of the ruleset; models: whose scores they read;
    listed_kinds: of what is listed."""

    id: UUID | None
    version: int
    rules: Ruleset
    entries: Mapping[tuple[str, str, str], datetime | None]
    models: store.Models = field(default_factory=dict)
    listed_kinds: Collection[str] = frozenset()

    def list_of(
        self, now: datetime, *, proven: Collection[Listed], claimed: Collection[Listed]
    ) -> str | None:
        """The list that knows one of these values, BLOCK before ALLOW; None if none does.

        claimed: what the user could choose, such as an address that was never verified: it can
        only block.
        """
        for name, values in ((ListName.BLOCK, (*proven, *claimed)), (ListName.ALLOW, proven)):
            for kind, value in values:
                key = (name.value, kind.value, value)
                if value is None or key not in self.entries:
                    continue
                expires_at = self.entries[key]  # type: ignore[index]  # a key that it contains
                if expires_at is None or expires_at > now:
                    return name.value
        return None


_NOTHING: Final = InForce(None, 0, Ruleset(()), {})

#: What this process has read last.
_known: Final[Slot[InForce]] = Slot("rules in force", default=_NOTHING)

#: What the settings say.
parameters: Final[Slot[Parameters]] = Slot("parameters of risk rules", default=Parameters())


def query_in_force(session: Session) -> Callable[[], InForce]:
    """Send the query for what is in force; call the result to read it. The rules themselves are
    read only after a change."""
    rows = repository.query_current(session)

    def read() -> InForce:
        row = rows.fetchone()
        if row is None:
            return _NOTHING
        known = _known()
        if known.id != row.id:
            known = _known.configure(_read(session, row.id, row.version))
        return known

    return read


def fields_in_use() -> Collection[str]:
    """The fields that the rules read which this process has read last. They may be outdated."""
    return _known().rules.fields


def _read(session: Session, ruleset_id: UUID, version: int) -> InForce:
    entries = {
        (row.list, row.kind, row.value): row.expires_at for row in repository.get_entries(session)
    }
    rules = read_ruleset(session, version)
    kinds = frozenset(kind for _, kind, _ in entries)
    return InForce(ruleset_id, version, rules, entries, load_models(session, rules), kinds)


def load_models(session: Session, *rulesets: Ruleset) -> store.Models:
    """The models whose scores the rules read."""
    rules = [rule for ruleset in rulesets for rule in (*ruleset.active, *ruleset.shadow)]
    return store.load_for(session, [rule.conditions for rule in rules])


def read_ruleset(session: Session, version: int) -> Ruleset:
    """The rules of a version of the ruleset, in force or not."""
    active: list[Rule] = []
    shadow: list[Rule] = []
    for row in repository.get_rules(session, version):
        (active if row.is_active else shadow).append(_rule(row))
    return Ruleset(active, shadow)


def _rule(row: Any) -> Rule:
    """A rule of a ruleset. One that this version of the program cannot read blocks no payment."""
    outcome, problem = RuleOutcome(row.outcome), None
    try:
        group = parse(row.conditions)
    except ConditionsInvalid as error:
        group, problem = Group(True, ()), str(error.details)
    return Rule(row.id, row.key, row.version, group, outcome, row.weight, problem)


def inputs_of(session: Session, decision: RiskDecision) -> dict[str, Any]:
    """What the rules have read, by name; empty for an attempt that was not screened."""
    if decision.ruleset is None or decision.inputs is None:
        return {}
    return read_ruleset(session, decision.ruleset).unpack(decision.inputs)


class Versions(dict[int, Ruleset]):
    """Versions of the ruleset, each read when it is needed first."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __missing__(self, version: int) -> Ruleset:
        found = self[version] = read_ruleset(self._session, version)
        return found


def renew(session: Session) -> None:
    """Put the rules and lists into force as they are now. Needs the ledger lock: what is decided
    afterwards is decided with them.

    Raises TooManyRules.
    """
    session.flush()
    found: dict[str, list[UUID]] = {RuleStatus.ACTIVE: [], RuleStatus.SHADOW: []}
    for rule in repository.list_in_force(session):
        found[rule.status].append(rule.id)
    if sum(map(len, found.values())) > MAX_RULES:
        raise TooManyRules
    repository.insert_ruleset(session, ruleset_id=new_id(), now=clock.now(), status=dict(found))
