"""What a program asks about its licence: whether it holds, and on which machines."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import new_id
from app.delivery.licences import repository
from app.delivery.licences.errors import (
    ActivationLimitReached,
    ActivationNotFound,
    LicenceExpired,
    LicenceNotFound,
    LicenceRevoked,
)
from app.delivery.licences.models import Licence, LicenceActivation, LicenceStatus
from app.delivery.licences.service import marks_of, status_of
from app.events import service as events
from app.events.catalogue.delivery import LicenceActivated, LicenceDeactivated


class Objection(StrEnum):
    """Why a licence is not valid."""

    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    NOT_ACTIVATED = "NOT_ACTIVATED"


@dataclass(frozen=True, slots=True)
class Known:
    """A licence as whoever has its key sees it."""

    licence: Licence
    product_name: str
    status: LicenceStatus


@dataclass(frozen=True, slots=True)
class Verdict:
    known: Known
    objection: Objection | None


@dataclass(frozen=True, slots=True)
class Active:
    known: Known
    activation: LicenceActivation


def validate(session: Session, *, key: str, instance: str | None = None) -> Verdict:
    """Whether a licence holds – on that machine, if one is named. Raises LicenceNotFound."""
    row = repository.get_licence(session, marks_of(key))
    if row is None:
        raise LicenceNotFound
    known = _known(*row)
    return Verdict(known, _objection(session, known, instance))


def _objection(session: Session, known: Known, instance: str | None) -> Objection | None:
    if known.status != LicenceStatus.ACTIVE:
        return Objection(known.status.value)
    if instance is None or repository.get_activation(
        session, licence_id=known.licence.id, instance=instance
    ):
        return None
    return Objection.NOT_ACTIVATED


def activate(session: Session, *, key: str, instance: str, label: str | None) -> Active:
    """Use a licence on a machine. Where it is active already, nothing changes.

    Raises LicenceNotFound, LicenceExpired, LicenceRevoked, ActivationLimitReached.
    """
    known = _require_for_update(session, key)
    licence = known.licence
    _require_active(known)
    activation = repository.get_activation(session, licence_id=licence.id, instance=instance)
    if activation is None:
        limit = licence.activation_limit
        if limit is not None and licence.activations >= limit:
            raise ActivationLimitReached(limit=limit, activations=licence.activations)
        licence.activations += 1
        activation = repository.insert_activation(
            session,
            id=new_id(),
            licence_id=licence.id,
            instance=instance,
            label=label,
            activated_at=clock.now(),
            deactivated_at=None,
        )
        _record(session, LicenceActivated, licence)
    return Active(known, activation)


def deactivate(session: Session, *, key: str, instance: str) -> Known:
    """Stop using a licence on a machine, so that it can be used on another.

    Also when it has expired or was revoked. Raises LicenceNotFound, ActivationNotFound.
    """
    known = _require_for_update(session, key)
    licence = known.licence
    activation = repository.get_activation(session, licence_id=licence.id, instance=instance)
    if activation is None:
        raise ActivationNotFound
    activation.deactivated_at = clock.now()
    licence.activations -= 1
    _record(session, LicenceDeactivated, licence)
    return known


def _require_for_update(session: Session, key: str) -> Known:
    row = repository.get_licence_for_update(session, marks_of(key))
    if row is None:
        raise LicenceNotFound
    return _known(*row)


def _known(licence: Licence, product_name: str) -> Known:
    return Known(licence, product_name, status_of(licence))


def _require_active(known: Known) -> None:
    if known.status == LicenceStatus.REVOKED:
        raise LicenceRevoked
    if known.status == LicenceStatus.EXPIRED:
        raise LicenceExpired


def _record(
    session: Session, event_type: type[LicenceActivated | LicenceDeactivated], licence: Licence
) -> None:
    event = event_type(
        aggregate_id=licence.id, product_id=licence.product_id, activations=licence.activations
    )
    events.record(session, [event])
