"""Attempts of the past, as rules that were not in force then would have seen them.

A decision stores only what the rules of its time have read. What else can be computed from the
tables, as of the time of the attempt, is; the rest is a MissingInput: device, address, country,
lists, coupons, kinds of products and available balances are not kept.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy.orm import Session

from app.common.ids import first_id
from app.common.process_state import Handlers
from app.risk import repository, rulesets
from app.risk.attempt import SALES
from app.risk.conditions import MODEL_WINDOWS, WINDOWS, Condition, Group, Window
from app.risk.evaluation import MissingInput, Ruleset
from app.risk.history import TOTALS_MODULUS, Totals
from app.risk.learning import store
from app.risk.models import CaseStatus, Outcome, PaymentKind

#: The clocks of two hosts may differ by this much.
_SHORTLY: Final = timedelta(minutes=1)


class Ending(StrEnum):
    """What became of an attempt in the end.

    REFUNDED: paid, and refunded at least in part; REJECTED: by an administrator in a review;
    FAILED: declined by rules, not reviewed in time, or failed afterwards, so that nobody knows
    whether it was good; PENDING: under review, or not executed yet; FINE: everything else.
    """

    REFUNDED = "REFUNDED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    FINE = "FINE"


#: The endings that a rule should have prevented.
BAD: Final = (Ending.REFUNDED, Ending.REJECTED)

_OF_CASES: Final = {
    CaseStatus.OPEN: Ending.PENDING,
    CaseStatus.REJECTED: Ending.REJECTED,
    CaseStatus.EXPIRED: Ending.FAILED,
}

#: By kind of payment: what became of payments that were made. Of those which it does not know, and
#: of other kinds, nothing bad is known.
FindEndings = Callable[[Session, Sequence["PastAttempt"]], Mapping[UUID, Ending]]
endings: Final[Handlers[PaymentKind, FindEndings]] = Handlers("endings of payments")


class PastAttempt(dict[str, Any]):
    """The inputs of a screened attempt of the past: those that were stored, and those that can be
    computed. decision: its row, with `registered_at` and `time_zone` of the user and, if it was
    reviewed, `case_status` and `result_id`; rules: of its time; models: whose scores may be read.
    """

    __slots__ = ("decision", "models", "session")

    def __init__(
        self, session: Session, decision: Any, rules: Ruleset, models: store.Models
    ) -> None:
        super().__init__(rules.unpack(decision.inputs))
        self.session, self.decision, self.models = session, decision, models

    def __missing__(self, name: str) -> Any:
        read = _READ.get(name)
        if read is not None:
            value = read(self)
        elif name.startswith(store.SCORE):
            value = store.read_score(name, self, self.models)
        else:
            raise MissingInput(name)
        self[name] = value
        return value

    @property
    def id(self) -> UUID:
        found: UUID = self.decision.id
        return found

    def within(self, window: Window) -> Totals:
        """What happened in a window before this attempt."""
        row = self.decision
        before = getattr(row, f"before_{window.lower()}", None)
        if before is None:
            raise MissingInput(window)
        payments, amount, refused = before
        counted = row.code is None
        return Totals(
            row.count_total - counted - payments,
            (row.sum_total - counted * row.amount - amount) % TOTALS_MODULUS,
            row.refused_total - (not counted) - refused,
        )


def read_batch(
    session: Session,
    *,
    after: UUID,
    until: UUID,
    limit: int,
    windows: Collection[Window] = tuple(Window),
    models: store.Models = MappingProxyType({}),
) -> list[PastAttempt]:
    """Screened attempts, oldest first. after, until: ids of decisions, both exclusive; windows:
    those of which totals may be read; models: whose scores may be."""
    lengths = {window.lower(): WINDOWS[window] for window in Window if window in windows}
    rows = repository.list_past(session, after=after, until=until, limit=limit, windows=lengths)
    rules = rulesets.Versions(session)
    return [PastAttempt(session, row, rules[row.ruleset], models) for row in rows]


def find_endings(session: Session, attempts: Sequence[PastAttempt]) -> dict[UUID, Ending]:
    """What became of each attempt."""
    found: dict[UUID, Ending] = {}
    made: dict[str, list[PastAttempt]] = {}
    for attempt in attempts:
        row = attempt.decision
        if row.outcome == Outcome.DECLINE:
            found[row.id] = Ending.FAILED
        elif row.case_status in _OF_CASES:
            found[row.id] = _OF_CASES[row.case_status]
        else:
            found[row.id] = Ending.FINE
            made.setdefault(row.kind, []).append(attempt)
    for kind, paid in made.items():
        find = endings.get(PaymentKind(kind))
        if find is not None:
            found.update(find(session, paid))
    return found


def as_json(attempts: Sequence[PastAttempt], *, lead: timedelta = timedelta(0)) -> str:
    """Attempts as JSON, for a statement that looks for what they have created.

    first_id, last_id: between which its id must be. lead: how long before the attempt it may have
    got its id.
    """
    rows = [attempt.decision for attempt in attempts]
    return orjson.dumps(
        [
            {
                "id": row.id,
                "user_id": row.user_id,
                "payee_id": row.payee_id,
                "amount": row.amount,
                "currency": row.currency,
                "created_at": row.created_at,
                "first_id": first_id(row.created_at, shift=-lead),
                "last_id": first_id(row.created_at, shift=_SHORTLY),
                "result_id": row.result_id,
            }
            for row in rows
        ]
    ).decode()


#: Fields that are known of every attempt without a query for it alone.
ALWAYS_KNOWN: Final = frozenset(
    {"amount", "currency", "type", "count", "sum", "refused", "accountAge", "hour", "merchant"}
)


def known_first(group: Group) -> Group:
    """The same conditions in another order: those that may be unknown are read only if the others
    leave the result open."""

    def rank(condition: Condition) -> int:
        if condition.field in ALWAYS_KNOWN:
            return 0
        return 1 if condition.field in ("receivers", "modelScore") else 2

    known: list[Condition | Group] = []
    groups: list[Condition | Group] = []
    unknown: list[Condition | Group] = []
    for node in group.nodes:
        if isinstance(node, Group):
            groups.append(known_first(node))
        else:
            (unknown if rank(node) else known).append(node)
    unknown.sort(key=lambda node: rank(node) if isinstance(node, Condition) else 0)
    if not known and not groups:
        return Group(group.needs_all, tuple(unknown))
    # Conditions come before groups, so those that may be unknown are a group.
    last = (Group(group.needs_all, tuple(unknown)),) if unknown else ()
    return Group(group.needs_all, (*known, *groups, *last))


def windows_of(groups: Collection[Group]) -> tuple[Window, ...]:
    """The windows whose totals these conditions read."""
    conditions = [condition for group in groups for condition in group.conditions()]
    read = {condition.window for condition in conditions if condition.window}
    if any(condition.model is not None for condition in conditions):
        read.update(MODEL_WINDOWS)
    return tuple(window for window in Window if window in read)


def _receivers(window: Window, attempt: PastAttempt) -> int:
    row = attempt.decision
    return repository.count_receivers(attempt.session, row, since=row.created_at - WINDOWS[window])


def _account_age(attempt: PastAttempt) -> int:
    age: timedelta = attempt.decision.created_at - attempt.decision.registered_at
    return max(int(age.total_seconds()), 0) // 3600


def _hour(attempt: PastAttempt) -> int:
    zone = ZoneInfo(attempt.decision.time_zone)
    hour: int = attempt.decision.created_at.astimezone(zone).hour
    return hour


def _merchant(attempt: PastAttempt) -> str | None:
    row = attempt.decision
    is_sale = row.kind in SALES and row.payee_id is not None
    return str(row.payee_id) if is_sale else None


def _of_purchase(name: str, otherwise: Any, attempt: PastAttempt) -> Any:
    """What only a purchase has."""
    if attempt.decision.kind == PaymentKind.PURCHASE:
        raise MissingInput(name)
    return otherwise


#: How each input is computed that was not stored.
_READ: Final[Mapping[str, Callable[[PastAttempt], Any]]] = {
    "amount": lambda attempt: attempt.decision.amount,
    "currency": lambda attempt: attempt.decision.currency,
    "type": lambda attempt: attempt.decision.kind,
    "accountAge": _account_age,
    "hour": _hour,
    "merchant": _merchant,
    "productKind": partial(_of_purchase, "productKind", None),
    "coupon": partial(_of_purchase, "coupon", False),
    **{
        f"{name}.{window}": partial(read, window)
        for name, read in (
            ("count", lambda window, attempt: attempt.within(window).payments + 1),
            (
                "sum",
                lambda window, attempt: (
                    (attempt.within(window).sum + attempt.decision.amount) % TOTALS_MODULUS
                ),
            ),
            ("refused", lambda window, attempt: attempt.within(window).refused),
            ("receivers", _receivers),
        )
        for window in Window
    },
}
