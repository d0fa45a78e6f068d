"""Webhook endpoints of merchants: where their events are sent, and with which secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth.models import User
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.common import clock, encryption
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.webhooks import catalogue, repository, signing
from app.webhooks.errors import (
    TooManyWebhookSecrets,
    WebhookDeliveryNotFound,
    WebhookEndpointInactive,
    WebhookEndpointNotFound,
)
from app.webhooks.handler import new_delivery
from app.webhooks.models import (
    DisabledBecause,
    EndpointStatus,
    WebhookDelivery,
    WebhookEndpoint,
)

#: Valid secrets of an endpoint: the signature of a request contains one for each.
MAX_SECRETS: Final = 5
#: How long the secret until then stays valid when a new one replaces it, in days.
MAX_OVERLAP_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint and its new secret, which cannot be shown again. previous_expires_at: when the
    secret until then expires, None if it was the first."""

    endpoint: WebhookEndpoint
    secret: str
    previous_expires_at: datetime | None


def create_endpoint(
    session: Session,
    *,
    merchant: User,
    url: str,
    description: str | None,
    event_types: Sequence[str] | None,
    api_version: str,
    is_thin: bool,
) -> NewSecret:
    """Create an endpoint. Raises QuotaExceeded."""
    quotas.require_room(session, user_id=merchant.id, quota=Quota.WEBHOOK_ENDPOINTS)
    now = clock.now()
    endpoint = repository.insert_endpoint(
        session,
        id=new_id(),
        merchant_id=merchant.id,
        url=url,
        description=description,
        event_types=_distinct(event_types),
        api_version=api_version,
        is_thin=is_thin,
        status=EndpointStatus.ENABLED.value,
        is_proven=False,
        failures=0,
        created_at=now,
        updated_at=now,
    )
    _audit(session, endpoint, "create")
    return NewSecret(endpoint, _add_secret(session, endpoint), None)


def list_endpoints(session: Session, page: PageRequest, *, merchant: User) -> Page[WebhookEndpoint]:
    """The merchant's endpoints, newest first."""
    return repository.list_endpoints(session, page, merchant_id=merchant.id)


def require_endpoint(
    session: Session, *, merchant: User, endpoint_id: UUID, lock: bool = False
) -> WebhookEndpoint:
    """The merchant's endpoint. Raises WebhookEndpointNotFound."""
    found = repository.get_endpoint(
        session, endpoint_id=endpoint_id, merchant_id=merchant.id, lock=lock
    )
    if found is None:
        raise WebhookEndpointNotFound
    return found


def require_enabled(session: Session, *, merchant: User, endpoint_id: UUID) -> WebhookEndpoint:
    """Lock an endpoint that receives deliveries, and end its pause.

    Raises WebhookEndpointNotFound, WebhookEndpointInactive.
    """
    endpoint = require_endpoint(session, merchant=merchant, endpoint_id=endpoint_id, lock=True)
    if not endpoint.is_enabled:
        raise WebhookEndpointInactive
    endpoint.paused_until = None
    return endpoint


def update_endpoint(
    session: Session, *, merchant: User, endpoint_id: UUID, **changes: Any
) -> WebhookEndpoint:
    """Change an endpoint; `status` enables or disables it.

    Raises WebhookEndpointNotFound.
    """
    endpoint = require_endpoint(session, merchant=merchant, endpoint_id=endpoint_id, lock=True)
    if "event_types" in changes:
        changes["event_types"] = _distinct(changes["event_types"])
    status = changes.pop("status", endpoint.status)
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.updated_at = clock.now()
    is_enabled = status == EndpointStatus.ENABLED
    if is_enabled != endpoint.is_enabled:
        endpoint.status = status
        endpoint.disabled_at = None if is_enabled else clock.now()
        endpoint.disabled_because = None if is_enabled else DisabledBecause.MERCHANT.value
        _forget_failures(endpoint)
    elif "url" in changes:
        endpoint.is_proven = False
        _forget_failures(endpoint)
    session.flush()
    _audit(session, endpoint, "update")
    return endpoint


def delete_endpoint(session: Session, *, merchant: User, endpoint_id: UUID) -> None:
    """Delete an endpoint with its secrets. Raises WebhookEndpointNotFound."""
    endpoint = require_endpoint(session, merchant=merchant, endpoint_id=endpoint_id, lock=True)
    if endpoint.is_enabled:
        endpoint.status = EndpointStatus.DISABLED.value
        endpoint.disabled_because = DisabledBecause.MERCHANT.value
        endpoint.disabled_at = clock.now()
    endpoint.deleted_at = clock.now()
    repository.delete_secrets(session, endpoint.id, expired_by=None)
    session.flush()
    _audit(session, endpoint, "delete")


def count_endpoints(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The number of the user's endpoints. limit: as of `quotas.Count`."""
    return repository.count_endpoints(session, merchant_id=user_id, limit=limit)


def rotate_secret(
    session: Session, *, merchant: User, endpoint_id: UUID, overlap_days: int
) -> NewSecret:
    """Replace the secret of an endpoint. Until the overlap ends, deliveries are signed with both.

    overlap_days: 0 to MAX_OVERLAP_DAYS; without overlap, every earlier secret ends immediately.
    Raises WebhookEndpointNotFound, TooManyWebhookSecrets.
    """
    endpoint = require_endpoint(session, merchant=merchant, endpoint_id=endpoint_id, lock=True)
    now = clock.now()
    if overlap_days == 0:
        repository.delete_secrets(session, endpoint.id, expired_by=None)
    elif len(repository.list_secrets(session, endpoint.id, now=now)) >= MAX_SECRETS:
        raise TooManyWebhookSecrets
    ends_at = now + timedelta(days=overlap_days)
    repository.delete_secrets(session, endpoint.id, expired_by=now)
    repository.expire_secrets(session, endpoint.id, at=ends_at)
    _audit(session, endpoint, "rotate-secret", overlapDays=overlap_days)
    return NewSecret(endpoint, _add_secret(session, endpoint), ends_at)


def require_public_keys(session: Session, *, endpoint_id: UUID) -> Sequence[str]:
    """The keys that verify the `v1a` signatures of an endpoint. Raises WebhookEndpointNotFound."""
    if repository.get_endpoint(session, endpoint_id=endpoint_id) is None:
        raise WebhookEndpointNotFound
    return signing.public_keys(endpoint_id)


def ping(session: Session, *, merchant: User, endpoint_id: UUID) -> WebhookDelivery:
    """Have a test message delivered, like an event.

    Raises WebhookEndpointNotFound, WebhookEndpointInactive.
    """
    endpoint = require_enabled(session, merchant=merchant, endpoint_id=endpoint_id)
    message_id = new_id()
    body = catalogue.body(
        catalogue.PING, clock.now(), aggregate_id=endpoint.id, data={}, is_thin=endpoint.is_thin
    )
    row = new_delivery(
        endpoint_id=endpoint.id,
        message_id=message_id,
        aggregate_id=message_id,
        event_type=catalogue.PING,
        body=body,
    )
    session.flush()
    repository.insert_deliveries(session, [row])
    return require_delivery(
        session, merchant=merchant, endpoint_id=endpoint.id, delivery_id=row["id"]
    )


def list_deliveries(
    session: Session,
    page: PageRequest,
    *,
    merchant: User,
    endpoint_id: UUID,
    status: str | None = None,
    event_type: str | None = None,
    object_id: UUID | None = None,
) -> Page[WebhookDelivery]:
    """Deliveries to the merchant's endpoint, newest first. Raises WebhookEndpointNotFound."""
    require_endpoint(session, merchant=merchant, endpoint_id=endpoint_id)
    return repository.list_deliveries(
        session,
        page,
        endpoint_id=endpoint_id,
        status=status,
        event_type=event_type,
        object_id=object_id,
    )


def require_delivery(
    session: Session, *, merchant: User, endpoint_id: UUID, delivery_id: UUID
) -> WebhookDelivery:
    """A delivery to the merchant's endpoint.

    Raises WebhookEndpointNotFound, WebhookDeliveryNotFound.
    """
    require_endpoint(session, merchant=merchant, endpoint_id=endpoint_id)
    found = repository.get_delivery(session, endpoint_id=endpoint_id, delivery_id=delivery_id)
    if found is None:
        raise WebhookDeliveryNotFound
    return found


def list_attempts(
    session: Session, page: PageRequest, *, merchant: User, endpoint_id: UUID, delivery_id: UUID
) -> Page[Any]:
    """The attempts of a delivery, newest first.

    Raises WebhookEndpointNotFound, WebhookDeliveryNotFound.
    """
    delivery = require_delivery(
        session, merchant=merchant, endpoint_id=endpoint_id, delivery_id=delivery_id
    )
    return repository.list_attempts(session, page, delivery_id=delivery.id)


def _add_secret(session: Session, endpoint: WebhookEndpoint) -> str:
    """Create the current secret of an endpoint. Returns it as merchants take it."""
    secret_id, secret = new_id(), signing.new_secret()
    repository.insert_secret(
        session,
        id=secret_id,
        endpoint_id=endpoint.id,
        encrypted=encryption.encrypt(secret, context=signing.secret_context(secret_id)),
        created_at=clock.now(),
    )
    return signing.secret_text(secret)


def _distinct(event_types: Sequence[str] | None) -> list[str] | None:
    return None if event_types is None else list(dict.fromkeys(event_types))


def _forget_failures(endpoint: WebhookEndpoint) -> None:
    endpoint.failures = 0
    endpoint.failing_since = endpoint.last_failed_at = endpoint.paused_until = None


def _audit(session: Session, endpoint: WebhookEndpoint, verb: str, **details: Any) -> None:
    audit.record(
        session,
        actor_id=endpoint.merchant_id,
        action=f"webhook-endpoint.{verb}",
        target=("webhook_endpoint", endpoint.id),
        details={"url": endpoint.url, "status": endpoint.status, **details},
    )
