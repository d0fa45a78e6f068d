"""Errors of webhook endpoints."""

from app.common.errors import Conflict, NotFound


class WebhookEndpointNotFound(NotFound):
    code = "WEBHOOK_ENDPOINT_NOT_FOUND"
    message = "Webhook endpoint not found"


class WebhookDeliveryNotFound(NotFound):
    code = "WEBHOOK_DELIVERY_NOT_FOUND"
    message = "Webhook delivery not found"


class WebhookReplayNotFound(NotFound):
    code = "WEBHOOK_REPLAY_NOT_FOUND"
    message = "Webhook replay not found"


class WebhookEndpointInactive(Conflict):
    code = "WEBHOOK_ENDPOINT_INACTIVE"
    message = "This webhook endpoint is disabled; enable it first"


class WebhookReplayRunning(Conflict):
    code = "WEBHOOK_REPLAY_RUNNING"
    message = "Another replay of this webhook endpoint is still queueing deliveries"


class TooManyWebhookSecrets(Conflict):
    code = "TOO_MANY_WEBHOOK_SECRETS"
    message = (
        "Too many secrets of this webhook endpoint are valid; wait until one has expired, or rotate"
        " without overlap"
    )
