"""HTTP of the banks' webhooks."""

from typing import Any

from flask import Response

from app.banks import service
from app.banks.guard import WEBHOOKS, from_bank
from app.banks.providers import Provider
from app.banks.schemas import BankEventIn, BankEventReceiptOut
from app.common import queue
from app.common.db import transaction
from app.common.http import Blueprint, json_response, raw_body
from app.common.json_format import dump_json
from app.common.openapi import path_parameter
from app.common.ratelimit import per_address_and_path
from app.inbox import tasks as inbox
from app.inbox.errors import ReferenceUnknown

blp = Blueprint(
    "bank-webhooks", __name__, url_prefix="/onramp/webhooks", description="Webhooks of banks"
)


@blp.post(
    "/<string:provider>",
    parameters=[path_parameter("provider", "Code of the bank that sends the event")],
)
@per_address_and_path("1200/minute")
@from_bank(blp)
@blp.arguments(BankEventIn)
@blp.response(200, BankEventReceiptOut)
@blp.errors(ReferenceUnknown)
@blp.doc(**{"x-caller": "the bank, by its signature"})
def receive_bank_event(body: dict[str, Any], provider: Provider, event_id: str) -> Response:
    """Payment and payout status notification (banks)

    For banks, which sign the raw body as in Standard Webhooks. The event is stored and acknowledged
    immediately and handled a moment later, once, however often it is delivered.
    """
    with transaction() as session:
        stored = service.receive(
            session, body, provider=provider, event_id=event_id, body=raw_body().decode()
        )
    if stored is not None:
        queue.enqueue(inbox.handle, str(stored))
    WEBHOOKS.labels(provider.code, "repeated" if stored is None else "stored").inc()
    return json_response(dump_json({"received": True}))
