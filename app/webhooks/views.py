"""HTTP of webhook endpoints."""

from functools import partial
from typing import Any
from uuid import UUID

import flask
from flask import Response

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common import queue
from app.common.db import after_commit, reading, transaction
from app.common.http import Blueprint, json_response
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.pagination import Page, PageArgs
from app.common.ratelimit import per_caller
from app.webhooks import replays, service, tasks
from app.webhooks.errors import (
    TooManyWebhookSecrets,
    WebhookDeliveryNotFound,
    WebhookEndpointInactive,
    WebhookEndpointNotFound,
    WebhookReplayNotFound,
    WebhookReplayRunning,
)
from app.webhooks.models import WebhookDelivery
from app.webhooks.schemas import (
    CreatedWebhookEndpointOut,
    CreateWebhookEndpointIn,
    CreateWebhookReplayIn,
    RotateWebhookSecretIn,
    UpdateWebhookEndpointIn,
    WebhookAttemptList,
    WebhookDeliveryDetailsOut,
    WebhookDeliveryFilters,
    WebhookDeliveryList,
    WebhookDeliveryOut,
    WebhookEndpointList,
    WebhookEndpointOut,
    WebhookReplayList,
    WebhookReplayOut,
    WebhookSecretOut,
    created_endpoint_out,
    endpoint_out,
    replay_out,
)

blp = Blueprint(
    "webhook-endpoints",
    __name__,
    url_prefix="/webhook-endpoints",
    description="Where events of merchants are sent",
)
keys_blp = flask.Blueprint("webhook-keys", __name__, url_prefix="/.well-known/webhook-keys")


@blp.post("")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_WRITE)
@blp.arguments(CreateWebhookEndpointIn)
@per_caller("30/minute")
@idempotent(blp, has_secret=True)
@blp.response(201, CreatedWebhookEndpointOut)
@blp.errors(QuotaExceeded)
def create_webhook_endpoint(body: dict[str, Any]) -> Response:
    """Create a webhook endpoint

    Events of the merchant are sent there from now on, signed as Standard Webhooks 1.0 defines it.
    `secret` is returned only in this response. The number of endpoints is limited by a quota.
    """
    with transaction() as session:
        created = service.create_endpoint(session, merchant=current_user(session), **body)
    return json_response(dump_json(created_endpoint_out(created)), 201)


@blp.get("")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, WebhookEndpointList)
def list_webhook_endpoints(args: dict[str, Any]) -> Response:
    """List webhook endpoints

    The caller's own, newest first.
    """
    with reading() as session:
        found = service.list_endpoints(session, merchant=current_user(session), **args)
    return json_response(dump_json(found.serialized(endpoint_out)))


@blp.get("/<uuid:endpoint_id>")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_READ)
@blp.response(200, WebhookEndpointOut)
@blp.errors(WebhookEndpointNotFound)
def get_webhook_endpoint(endpoint_id: UUID) -> Response:
    """Get a webhook endpoint

    Includes whether its deliveries fail, and the public keys that verify them.
    """
    with reading() as session:
        found = service.require_endpoint(
            session, merchant=current_user(session), endpoint_id=endpoint_id
        )
    return json_response(dump_json(endpoint_out(found)))


@blp.patch("/<uuid:endpoint_id>")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_WRITE)
@blp.arguments(UpdateWebhookEndpointIn, required=False)
@idempotent(blp)
@blp.response(200, WebhookEndpointOut)
@blp.errors(WebhookEndpointNotFound)
def update_webhook_endpoint(body: dict[str, Any], endpoint_id: UUID) -> Response:
    """Update a webhook endpoint

    Changes apply to events from then on; a new URL also to what is waiting. Enable an endpoint that
    was disabled with `status`, and replay what was skipped.
    """
    with transaction() as session:
        changed = service.update_endpoint(
            session, merchant=current_user(session), endpoint_id=endpoint_id, **body
        )
    return json_response(dump_json(endpoint_out(changed)))


@blp.delete("/<uuid:endpoint_id>")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_WRITE)
@idempotent(blp)
@blp.response(204)
@blp.errors(WebhookEndpointNotFound)
def delete_webhook_endpoint(endpoint_id: UUID) -> None:
    """Delete a webhook endpoint

    Nothing more is sent to it, and its secrets are deleted.
    """
    with transaction() as session:
        service.delete_endpoint(session, merchant=current_user(session), endpoint_id=endpoint_id)


@blp.post("/<uuid:endpoint_id>/rotate-secret")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_WRITE)
@blp.arguments(RotateWebhookSecretIn)
@per_caller("30/minute")
@idempotent(blp, has_secret=True)
@blp.response(200, WebhookSecretOut)
@blp.errors(WebhookEndpointNotFound, TooManyWebhookSecrets)
def rotate_webhook_secret(body: dict[str, Any], endpoint_id: UUID) -> service.NewSecret:
    """Rotate the secret of a webhook endpoint

    Returns a new secret, only in this response. Until the overlap ends, deliveries have a signature
    for each secret, and receivers accept them with any.
    """
    with transaction() as session:
        return service.rotate_secret(
            session, merchant=current_user(session), endpoint_id=endpoint_id, **body
        )


@blp.post("/<uuid:endpoint_id>/ping")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_WRITE)
@per_caller("30/minute")
@idempotent(blp)
@blp.response(202, WebhookDeliveryOut)
@blp.errors(WebhookEndpointNotFound, WebhookEndpointInactive)
def ping_webhook_endpoint(endpoint_id: UUID) -> WebhookDelivery:
    """Ping a webhook endpoint

    Sends a test message of the type `ping`, signed and repeated like an event. Get the delivery to
    see how it was answered.
    """
    with transaction() as session:
        return service.ping(session, merchant=current_user(session), endpoint_id=endpoint_id)


@blp.get("/<uuid:endpoint_id>/deliveries")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_READ)
@blp.arguments(WebhookDeliveryFilters, location="query")
@blp.response(200, WebhookDeliveryList)
@blp.errors(WebhookEndpointNotFound)
def list_webhook_deliveries(args: dict[str, Any], endpoint_id: UUID) -> Page[Any]:
    """List the deliveries to a webhook endpoint

    Newest first, for as long as they are kept.
    """
    with reading() as session:
        return service.list_deliveries(
            session, merchant=current_user(session), endpoint_id=endpoint_id, **args
        )


@blp.get("/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_READ)
@blp.response(200, WebhookDeliveryDetailsOut)
@blp.errors(WebhookEndpointNotFound, WebhookDeliveryNotFound)
def get_webhook_delivery(endpoint_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Get a delivery to a webhook endpoint

    Includes the body that is sent.
    """
    with reading() as session:
        return service.require_delivery(
            session,
            merchant=current_user(session),
            endpoint_id=endpoint_id,
            delivery_id=delivery_id,
        )


@blp.get("/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>/attempts")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, WebhookAttemptList)
@blp.errors(WebhookEndpointNotFound, WebhookDeliveryNotFound)
def list_webhook_attempts(args: dict[str, Any], endpoint_id: UUID, delivery_id: UUID) -> Page[Any]:
    """List the attempts of a delivery

    Newest first, each with the status and the beginning of the response.
    """
    with reading() as session:
        return service.list_attempts(
            session,
            merchant=current_user(session),
            endpoint_id=endpoint_id,
            delivery_id=delivery_id,
            **args,
        )


@blp.post("/<uuid:endpoint_id>/replays")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_WRITE)
@blp.arguments(CreateWebhookReplayIn)
@per_caller("30/minute")
@idempotent(blp)
@blp.response(201, WebhookReplayOut)
@blp.errors(
    WebhookEndpointNotFound,
    WebhookEndpointInactive,
    WebhookDeliveryNotFound,
    WebhookReplayRunning,
)
def create_webhook_replay(body: dict[str, Any], endpoint_id: UUID) -> Response:
    """Create a replay of deliveries

    Delivers a selection of deliveries again, or those of a period, with the same `webhook-id` and
    a new timestamp. What is waiting for its next attempt is attempted immediately.
    """
    with transaction() as session:
        created = replays.create_replay(
            session,
            merchant=current_user(session),
            endpoint_id=endpoint_id,
            delivery_ids=body.get("delivery_ids"),
            starts_at=body.get("since"),
            ends_at=body.get("until"),
            status=body.get("status"),
        )
        after_commit(session, partial(queue.enqueue, tasks.queue_replay, created.replay.id))
    return json_response(dump_json(replay_out(created)), 201)


@blp.get("/<uuid:endpoint_id>/replays")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, WebhookReplayList)
@blp.errors(WebhookEndpointNotFound)
def list_webhook_replays(args: dict[str, Any], endpoint_id: UUID) -> Response:
    """List the replays of a webhook endpoint

    Newest first, with their progress.
    """
    with reading() as session:
        found = replays.list_replays(
            session, merchant=current_user(session), endpoint_id=endpoint_id, **args
        )
    return json_response(dump_json(found.serialized(replay_out)))


@blp.get("/<uuid:endpoint_id>/replays/<uuid:replay_id>")
@requires(blp, Role.MERCHANT, scope=Scope.WEBHOOKS_READ)
@blp.response(200, WebhookReplayOut)
@blp.errors(WebhookEndpointNotFound, WebhookReplayNotFound)
def get_webhook_replay(endpoint_id: UUID, replay_id: UUID) -> Response:
    """Get a replay of deliveries

    Includes how many were delivered.
    """
    with reading() as session:
        found = replays.require_replay(
            session,
            merchant=current_user(session),
            endpoint_id=endpoint_id,
            replay_id=replay_id,
        )
    return json_response(dump_json(replay_out(found)))


@keys_blp.get("/<uuid:endpoint_id>")
def webhook_keys(endpoint_id: UUID) -> Response:
    """The public keys of an endpoint, for those who verify what was sent to it."""
    with reading() as session:
        keys = service.require_public_keys(session, endpoint_id=endpoint_id)
    return json_response(dump_json({"keys": keys}))
