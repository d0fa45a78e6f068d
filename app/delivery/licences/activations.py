"""Validation and activation of licences by the licensed application."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth.models import User
from app.common import clock
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.delivery.licences import repository
from app.delivery.licences.errors import (
    ActivationLimitReached,
    ActivationNotFound,
    LicenceExpired,
    LicenceNotFound,
    LicenceRevoked,
    TooManyActivations,
)
from app.delivery.licences.models import Licence, LicenceActivation, LicenceStatus
from app.delivery.licences.service import key_fingerprints, status_of
from app.delivery.repository import get_order_number
from app.events import service as events
from app.events.catalogue.delivery import (
    LicenceActivated,
    LicenceDeactivated,
    LicenceLimitReached,
)

#: The period of activations_per_30_days.
PERIOD: Final = timedelta(days=30)
#: How often the merchant is told that a licence has reached its limit of machines.
_LIMIT_EVENT_INTERVAL: Final = timedelta(days=1)
#: How exactly it is known when a machine was seen, so that few validations write.
_SEEN_INTERVAL: Final = timedelta(hours=1)


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
    merchant_id: UUID
    status: LicenceStatus


@dataclass(frozen=True, slots=True)
class LicenceValidation:
    """reason: None if the licence is valid. activation: on the machine that was named, if any."""

    details: LicenceDetails
    reason: InvalidReason | None
    activation: LicenceActivation | None = None

    @property
    def seen_activation_id(self) -> UUID | None:
        """The activation whose machine is to be recorded as seen, if it was not seen recently."""
        found = self.activation
        if found is None or _was_seen_recently(found):
            return None
        return found.id


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
    if details.status != LicenceStatus.ACTIVE:
        return LicenceValidation(details, InvalidReason(details.status.value))
    if instance is None:
        return LicenceValidation(details, None)
    activation = repository.get_activation(
        session, licence_id=details.licence.id, instance=instance
    )
    reason = None if activation else InvalidReason.NOT_ACTIVATED
    return LicenceValidation(details, reason, activation)


def record_seen(session: Session, *, activation_id: UUID) -> None:
    """Record that the application has shown its key on that machine."""
    repository.mark_seen(session, activation_id, now=clock.now())


def _was_seen_recently(activation: LicenceActivation) -> bool:
    seen_at = activation.seen_at or activation.activated_at
    return seen_at > clock.now() - _SEEN_INTERVAL


def activate(session: Session, *, key: str, instance: str, label: str | None) -> ActiveLicence:
    """Activate a licence on a machine. Has no effect if it is already active there.

    Raises LicenceNotFound, LicenceExpired, LicenceRevoked, ActivationLimitReached,
    TooManyActivations.
    """
    details = _require_for_update(session, key)
    licence = details.licence
    _require_active(details)
    activation = repository.get_activation(session, licence_id=licence.id, instance=instance)
    if activation is None:
        _require_machine_left(session, licence, details.merchant_id)
        _require_activation_left(session, licence)
        now = clock.now()
        licence.activations += 1
        activation = repository.insert_activation(
            session,
            id=new_id(),
            licence_id=licence.id,
            instance=instance,
            label=label,
            activated_at=now,
            seen_at=now,
            deactivated_at=None,
        )
        _record(session, LicenceActivated, licence, details.merchant_id)
    elif not _was_seen_recently(activation):
        activation.seen_at = clock.now()
    return ActiveLicence(details, activation)


def _require_machine_left(session: Session, licence: Licence, merchant_id: UUID) -> None:
    """Raises ActivationLimitReached, after an event if there was none recently."""
    limit = licence.activation_limit
    if limit is None or licence.activations < limit:
        return
    now, told_at = clock.now(), licence.limit_reached_at
    if told_at is None or told_at <= now - _LIMIT_EVENT_INTERVAL:
        licence.limit_reached_at = now
        number = get_order_number(session, licence.order_id)
        reached = LicenceLimitReached.of(licence, order_number=number, merchant_id=merchant_id)
        events.record(session, [reached])
    raise ActivationLimitReached(limit=limit, activations=licence.activations)


def _require_activation_left(session: Session, licence: Licence) -> None:
    """Raises TooManyActivations if the licence moved from machine to machine too often."""
    limit = licence.activations_per_30_days
    if limit is None:
        return
    first = repository.get_full_period_start(session, licence_id=licence.id, activations=limit)
    if first is not None and first > clock.now() - PERIOD:
        raise TooManyActivations(limit=limit, possible_at=first + PERIOD)


def require_active(session: Session, *, key: str, instance: str) -> ActiveLicence:
    """A licence that is valid and active on that machine.

    Raises LicenceNotFound, LicenceExpired, LicenceRevoked, ActivationNotFound.
    """
    found = validate(session, key=key, instance=instance)
    _require_active(found.details)
    if found.activation is None:
        raise ActivationNotFound
    return ActiveLicence(found.details, found.activation)


def deactivate(session: Session, *, key: str, instance: str) -> LicenceDetails:
    """Deactivate a licence on a machine, so that it can be activated on another.

    Possible for expired and revoked licences. Raises LicenceNotFound, ActivationNotFound.
    """
    details = _require_for_update(session, key)
    licence = details.licence
    activation = repository.get_activation(session, licence_id=licence.id, instance=instance)
    if activation is None:
        raise ActivationNotFound
    _deactivate(session, licence, activation, details.merchant_id)
    return details


def _deactivate(
    session: Session, licence: Licence, activation: LicenceActivation, merchant_id: UUID
) -> None:
    activation.deactivated_at = clock.now()
    licence.activations -= 1
    _record(session, LicenceDeactivated, licence, merchant_id)


def list_activations(
    session: Session, page: PageRequest, *, user: User, licence_id: UUID, include_past: bool
) -> Page[LicenceActivation]:
    """The machines of a licence, newest first, for its buyer and its merchant.

    Raises LicenceNotFound for anyone else.
    """
    if repository.get_licence_of(session, licence_id=licence_id, user_id=user.id) is None:
        raise LicenceNotFound
    return repository.list_activations(
        session, page, licence_id=licence_id, include_past=include_past
    )


def free(session: Session, *, user: User, licence_id: UUID, activation_id: UUID) -> None:
    """Deactivate a licence on a machine, for its buyer or its merchant.

    An activation that the merchant ends no longer counts towards activations_per_30_days. The buyer
    can end one only while another would be possible. Raises LicenceNotFound for anyone else,
    ActivationNotFound, TooManyActivations.
    """
    row = repository.get_licence_of(session, licence_id=licence_id, user_id=user.id, lock=True)
    if row is None:
        raise LicenceNotFound
    licence, merchant_id = row
    activation = repository.get_current_activation(
        session, licence_id=licence_id, activation_id=activation_id
    )
    if activation is None:
        raise ActivationNotFound
    if user.id == merchant_id:
        activation.is_counted = False
        audit.record(
            session,
            actor_id=user.id,
            action="licence.free",
            target=("licence", licence_id),
            details={"activationId": str(activation_id)},
        )
    else:
        _require_activation_left(session, licence)
    _deactivate(session, licence, activation, merchant_id)


def _require_for_update(session: Session, key: str) -> LicenceDetails:
    row = repository.get_licence_for_update(session, key_fingerprints(key))
    if row is None:
        raise LicenceNotFound
    return _details(*row)


def _details(licence: Licence, product_name: str, merchant_id: UUID) -> LicenceDetails:
    return LicenceDetails(licence, product_name, merchant_id, status_of(licence))


def _require_active(details: LicenceDetails) -> None:
    if details.status == LicenceStatus.REVOKED:
        raise LicenceRevoked
    if details.status == LicenceStatus.EXPIRED:
        raise LicenceExpired


def _record(
    session: Session,
    event_type: type[LicenceActivated | LicenceDeactivated],
    licence: Licence,
    merchant_id: UUID,
) -> None:
    events.record(session, [event_type.of(licence, merchant_id=merchant_id)])
