"""The merchant's API: payouts, the statement, and the webhook mode."""

import csv
import io
import json
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from sandbox.bank import ledger, payouts, webhooks
from sandbox.bank.bank import current_bank
from sandbox.bank.config import Provider
from sandbox.bank.modes import set_mode
from sandbox.bank.signing import is_signed
from sandbox.common.modes import Mode
from sandbox.common.money import format_decimal

blueprint = Blueprint("api", __name__)

#: Events in a page.
_EVENTS = 50
_COLUMNS = ("date", "reference", "bankReference", "direction", "amount", "currency", "status")


@blueprint.get("/health")
def health() -> Response:
    with current_bank().store.read_transaction():
        return jsonify(status="ok")


@blueprint.post("/<slug>/payouts")
def create_payout(slug: str) -> tuple[Response, int]:
    """Accept a payout, or refuse it with 422. The outcome is reported by webhook later."""
    bank = current_bank()
    provider = bank.require_provider(slug)
    _require_signature(provider)
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 100:
        return _error(
            400, "IDEMPOTENCY_KEY_MISSING", "An Idempotency-Key of 1 to 100 characters is required."
        )
    try:
        wanted = payouts.parse_request(request.get_json())
        payout = payouts.create(bank.store, bank.config, provider, wanted, key=key)
    except payouts.InvalidPayout as error:
        return _error(400, "VALIDATION_ERROR", "The payout is not valid.", details=error.problems)
    except payouts.Conflict:
        return _error(
            409, "CONFLICT", "The Idempotency-Key or reference belongs to a different payout."
        )
    except payouts.SimulatedFailure:
        bank.worker.wake()  # The payout may have been accepted.
        return _error(500, "INTERNAL_ERROR", "Simulated failure; try again.")
    bank.worker.wake()
    return jsonify(payout.to_json()), 422 if payout.status == "REFUSED" else 202


@blueprint.get("/<slug>/payouts/<reference>")
def get_payout(slug: str, reference: str) -> tuple[Response, int]:
    bank = current_bank()
    provider = bank.require_provider(slug)
    _require_signature(provider)
    payout = payouts.get(bank.store, provider, reference)
    if payout is None:
        return _error(404, "NOT_FOUND", "Payout not found.")
    return jsonify(payout.to_json()), 200


@blueprint.get("/<slug>/events")
def list_events(slug: str) -> tuple[Response, int]:
    """The events that were reported by webhook, oldest first: for a merchant who has lost some."""
    bank = current_bank()
    provider = bank.require_provider(slug)
    _require_signature(provider)
    try:
        since = datetime.fromisoformat(request.args["since"]).timestamp()
    except (KeyError, ValueError):
        return _error(400, "VALIDATION_ERROR", "since must be a time such as 2026-11-21T09:30:00Z.")
    with bank.store.read_transaction() as connection:
        bodies, more = webhooks.reported(
            connection,
            bank=provider.code,
            since=since,
            after=request.args.get("after"),
            limit=_EVENTS,
        )
    return jsonify(events=[json.loads(body) for body in bodies], hasMore=more), 200


@blueprint.get("/<slug>/statement.csv")
def statement(slug: str) -> Response:
    """The booked payments and payouts of a period as CSV. from, to: days, both included."""
    bank = current_bank()
    provider = bank.require_provider(slug)
    first = _date_arg("from", default=date.min)
    last = _date_arg("to", default=date.max)
    with bank.store.read_transaction() as connection:
        entries = ledger.list_entries(
            connection, bank=provider.code, first_day=first.isoformat(), last_day=last.isoformat()
        )
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    rows.writerow(_COLUMNS)
    for entry in entries:
        rows.writerow(
            (
                entry["date"],
                entry["reference"],
                entry["bank_reference"],
                "CREDIT" if entry["kind"] == "PAYMENT" else "DEBIT",
                format_decimal(entry["amount"], entry["currency"]),
                entry["currency"],
                "BOOKED",
            )
        )
    return Response(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{slug}-statement.csv"'},
    )


@blueprint.post("/<slug>/mode")
def change_mode(slug: str) -> tuple[Response, int]:
    """Accepts only JSON, which a form on another site cannot send."""
    bank = current_bank()
    provider = bank.require_provider(slug)
    body = request.get_json()
    try:
        mode = Mode(body["mode"])
    except (ValueError, KeyError, TypeError):
        return _error(400, "VALIDATION_ERROR", f"mode must be one of {', '.join(Mode)}.")
    with bank.store.write_transaction() as connection:
        set_mode(connection, provider.code, mode)
    return jsonify(mode=mode), 200


def _require_signature(provider: Provider) -> None:
    if not is_signed(provider.keys, headers=dict(request.headers), body=request.get_data()):
        abort(401, "The signature is missing, invalid or older than five minutes.")


def _date_arg(name: str, *, default: date) -> date:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(400, f"{name} must be a date such as 2026-11-21.")


def _error(status: int, code: str, message: str, **more: Any) -> tuple[Response, int]:
    return jsonify(error=code, message=message, **more), status
