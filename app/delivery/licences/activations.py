"""Validation and activation of licences by the licensed application."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import new_id
from app.delivery.licences import repository
from app.delivery.licences.errors import (
    ActivationLimitReached,
    ActivationNotFound,
    LicenceExpired,
    LicenceNotFound,
    LicenceRevoked,
)
from app.delivery.licences.models import Licence, LicenceActivation, LicenceStatus
from app.delivery.licences.service import key_fingerprints, status_of
from app.events import service as events
from app.events.catalogue.delivery import LicenceActivated, LicenceDeactivated


class InvalidReason(StrEnum):
    """Why a licence is not valid."""

    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    NOT_ACTIVATED = "NOT_ACTIVATED"


@dataclass(frozen=True, slots=True)
class LicenceDetails:
    """A licence as the holder of its key sees it."""

    licence: Licence
    product_name: str
    status: LicenceStatus


@dataclass(frozen=True, slots=True)
class LicenceValidation:
    """reason: None if the licence is valid."""

    details: LicenceDetails
    reason: InvalidReason | None


@dataclass(frozen=True, slots=True)
class ActiveLicence:
    details: LicenceDetails
    activation: LicenceActivation


def validate(session: Session, *, key: str, instance: str | None = None) -> LicenceValidation:
    """Whether a licence is valid, and active on that machine if one is named.

    Raises LicenceNotFound.
    """
    row = repository.get_licence(session, key_fingerprints(key))
    if row is None:
        raise LicenceNotFound
    details = _details(*row)
    return LicenceValidation(details, _invalid_reason(session, details, instance))


def _invalid_reason(
    session: Session, details: LicenceDetails, instance: str | None
) -> InvalidReason | None:
    if details.status != LicenceStatus.ACTIVE:
        return InvalidReason(details.status.value)
    if instance is None or repository.get_activation(
        session, licence_id=details.licence.id, instance=instance
    ):
        return None
    return InvalidReason.NOT_ACTIVATED


def activate(session: Session, *, key: str, instance: str, label: str | None) -> ActiveLicence:
    """Activate a licence on a machine. Has no effect if it is already active there.

    Raises LicenceNotFound, LicenceExpired, LicenceRevoked, ActivationLimitReached.
    """
    details = _require_for_update(session, key)
    licence = details.licence
    _require_active(details)
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
    return ActiveLicence(details, activation)


def deactivate(session: Session, *, key: str, instance: str) -> LicenceDetails:
    """Deactivate a licence on a machine, so that it can be activated on another.

    Possible for expired and revoked licences. Raises LicenceNotFound, ActivationNotFound.
    """
    details = _require_for_update(session, key)
    licence = details.licence
    activation = repository.get_activation(session, licence_id=licence.id, instance=instance)
    if activation is None:
        raise ActivationNotFound
    activation.deactivated_at = clock.now()
    licence.activations -= 1
    _record(session, LicenceDeactivated, licence)
    return details


def _require_for_update(session: Session, key: str) -> LicenceDetails:
    row = repository.get_licence_for_update(session, key_fingerprints(key))
    if row is None:
        raise LicenceNotFound
    return _details(*row)


def _details(licence: Licence, product_name: str) -> LicenceDetails:
    return LicenceDetails(licence, product_name, status_of(licence))


def _require_active(details: LicenceDetails) -> None:
    if details.status == LicenceStatus.REVOKED:
        raise LicenceRevoked
    if details.status == LicenceStatus.EXPIRED:
        raise LicenceExpired


def _record(
    session: Session, event_type: type[LicenceActivated | LicenceDeactivated], licence: Licence
) -> None:
    events.record(session, [event_type.of(licence)])
