"""The inputs of rules, computed when a rule reads them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.risk.attempt import Attempt, Origin
from app.risk.conditions import Window
from app.risk.history import TOTALS_MODULUS, Profile
from app.risk.learning import store
from app.risk.models import ListKind
from app.risk.rulesets import InForce, Listed


class Inputs(dict[str, Any]):
    """What rules have read about an attempt so far, by name."""

    __slots__ = ("attempt", "in_force", "now", "origin", "profile", "session")

    def __init__(
        self,
        session: Session,
        in_force: InForce,
        profile: Profile,
        attempt: Attempt,
        origin: Origin,
        now: datetime,
    ) -> None:
        self.session, self.in_force, self.profile = session, in_force, profile
        self.attempt, self.origin, self.now = attempt, origin, now

    def __missing__(self, name: str) -> Any:
        read = _READ.get(name)
        value = store.read_score(name, self, self.in_force.models) if read is None else read(self)
        self[name] = value
        return value


def _count(window: Window, inputs: Inputs) -> int:
    profile = inputs.profile
    return profile.totals.payments - profile.start_of(window).payments + 1


def _sum(window: Window, inputs: Inputs) -> int:
    profile = inputs.profile
    earlier = profile.totals.sum - profile.start_of(window).sum
    return (earlier + inputs.attempt.amount) % TOTALS_MODULUS


def _refused(window: Window, inputs: Inputs) -> int:
    return inputs.profile.totals.refused - inputs.profile.start_of(window).refused


def _refused_at_address(window: Window, inputs: Inputs) -> int | None:
    return inputs.origin.refused.get(window)


def _receivers(window: Window, inputs: Inputs) -> int:
    attempt = inputs.attempt
    paid = inputs.profile.receivers(inputs.session, attempt.currency, window, inputs.now)
    return len(paid) + (attempt.payee_id is not None and attempt.payee_id not in paid)


def _share(inputs: Inputs) -> int:
    available = inputs.attempt.available
    return inputs.attempt.amount * 100 // available if available else 100


def _account_age(inputs: Inputs) -> int:
    return int((inputs.now - inputs.profile.created_at).total_seconds()) // 3600


def _is_new(what: str, inputs: Inputs) -> bool:
    if inputs.origin.session_id is None:
        return False
    known = inputs.profile.is_known(inputs.session, inputs.origin, inputs.now)
    return not getattr(known, what)


def _hour(inputs: Inputs) -> int:
    return inputs.now.astimezone(ZoneInfo(inputs.profile.time_zone)).hour


def _merchant(inputs: Inputs) -> str | None:
    merchant_id = inputs.attempt.merchant_id
    return None if merchant_id is None else str(merchant_id)


def _list(inputs: Inputs) -> str | None:
    if not inputs.in_force.entries:
        return None
    profile, origin = inputs.profile, inputs.origin
    proven: list[Listed] = [
        (ListKind.USER, str(profile.user_id)),
        (ListKind.ADDRESS, origin.network),
    ]
    claimed: list[Listed] = []
    if profile.email is not None:
        domain = profile.email.rpartition("@")[2]
        (proven if profile.has_proven_email else claimed).append((ListKind.EMAIL_DOMAIN, domain))
        claimed += [(ListKind.EMAIL_DOMAIN, parent) for parent in _parents(domain)]
    if ListKind.DEVICE in inputs.in_force.listed_kinds:
        device_id = profile.device_of(inputs.session, origin.session_id)
        proven.append((ListKind.DEVICE, device_id))
        claimed.append((ListKind.DEVICE, origin.agent))
    return inputs.in_force.list_of(inputs.now, proven=proven, claimed=claimed)


def _parents(domain: str) -> Iterator[str]:
    """The domains that a domain belongs to: whoever has one of them has as many as they want."""
    while domain := domain.partition(".")[2]:
        yield domain


#: How each input is computed.
_READ: Final[Mapping[str, Callable[[Inputs], Any]]] = {
    "amount": lambda inputs: inputs.attempt.amount,
    "currency": lambda inputs: inputs.attempt.currency,
    "type": lambda inputs: inputs.attempt.kind.value,
    "share": _share,
    "accountAge": _account_age,
    "newDevice": partial(_is_new, "device"),
    "newAddress": partial(_is_new, "address"),
    "country": lambda inputs: inputs.origin.country,
    "hour": _hour,
    "merchant": _merchant,
    "productKind": lambda inputs: inputs.attempt.product_kind,
    "coupon": lambda inputs: inputs.attempt.has_coupon,
    "list": _list,
    **{
        f"{name}.{window}": partial(read, window)
        for name, read in (
            ("count", _count),
            ("sum", _sum),
            ("refused", _refused),
            ("refusedAtAddress", _refused_at_address),
            ("receivers", _receivers),
        )
        for window in Window
    },
}
