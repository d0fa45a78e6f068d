"""What the merchant's programs call: payouts, the statement, and how the bank behaves."""

import csv
import io
from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from sandbox.bank import ledger, payouts
from sandbox.bank.bank import this_bank
from sandbox.bank.config import Provider
from sandbox.bank.modes import set_mode
from sandbox.bank.signing import is_signed
from sandbox.common.modes import Mode
from sandbox.common.money import plain

blueprint = Blueprint("api", __name__)

_COLUMNS = ("date", "reference", "bankReference", "direction", "amount", "currency", "status")


@blueprint.get("/health")
def health() -> Response:
    with this_bank().store.reading():
        return jsonify(status="ok")


@blueprint.post("/<slug>/payouts")
def pay_out(slug: str) -> tuple[Response, int]:
    bank = this_bank()
    provider = bank.require_provider(slug)
    _require_signature(provider)
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 100:
        return _problem(400, "IDEMPOTENCY_KEY_MISSING", "Send an Idempotency-Key.")
    try:
        order = payouts.read_order(request.get_json())
        payout = payouts.accept(bank.store, bank.config, provider, order, key=key)
    except payouts.InvalidOrder as error:
        return _problem(400, "VALIDATION_ERROR", "This is no payout.", details=error.problems)
    except payouts.Conflict:
        return _problem(409, "CONFLICT", "The key or the reference is that of another payout.")
    except payouts.Stumble:
        bank.office.wake()  # It may have been accepted all the same.
        return _problem(500, "INTERNAL_ERROR", "The bank has stumbled; try again.")
    bank.office.wake()
    return jsonify(payout.as_answer()), 422 if payout.status == "REFUSED" else 202


@blueprint.get("/<slug>/payouts/<reference>")
def payout_status(slug: str, reference: str) -> tuple[Response, int]:
    bank = this_bank()
    provider = bank.require_provider(slug)
    _require_signature(provider)
    payout = payouts.find(bank.store, provider, reference)
    if payout is None:
        return _problem(404, "NOT_FOUND", "There is no such payout.")
    return jsonify(payout.as_answer()), 200


@blueprint.get("/<slug>/statement.csv")
def statement(slug: str) -> Response:
    bank = this_bank()
    provider = bank.require_provider(slug)
    first, last = _day("from", default=date.min), _day("to", default=date.max)
    with bank.store.reading() as connection:
        entries = ledger.booked(
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
                plain(entry["amount"], entry["currency"]),
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
def choose_mode(slug: str) -> tuple[Response, int]:
    """JSON only, which no form of another site can send."""
    bank = this_bank()
    provider = bank.require_provider(slug)
    body = request.get_json()
    try:
        mode = Mode(body["mode"])
    except (ValueError, KeyError, TypeError):
        return _problem(400, "VALIDATION_ERROR", f"mode is one of {', '.join(Mode)}.")
    with bank.store.writing() as connection:
        set_mode(connection, provider.code, mode)
    return jsonify(mode=mode), 200


def _require_signature(provider: Provider) -> None:
    if not is_signed(provider.keys, headers=dict(request.headers), body=request.get_data()):
        abort(401, "The signature is missing, wrong or older than five minutes.")


def _day(name: str, *, default: date) -> date:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(400, f"{name} is a date such as 2026-11-21.")


def _problem(status: int, code: str, message: str, **more: Any) -> tuple[Response, int]:
    return jsonify(error=code, message=message, **more), status
