"""Notifications about deposits, payouts, transfers and payment requests."""

from datetime import datetime
from typing import Final

from app.notifications.texts.content import Content, Data, Reader, Writer


def _deposit(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject=f"{reader.money(data)} arrived in your wallet",
        paragraphs=(f"Your bank's payment of {reader.money(data)} is in your wallet.",),
        facts=(("Bank", data["provider"]), ("Date", reader.time(at))),
    )


def _deposit_failed(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject=f"Your deposit of {reader.money(data)} failed",
        paragraphs=(
            f"Your deposit of {reader.money(data)} failed, and nothing was added to your wallet.",
        ),
        facts=_with_reason(data, ("Bank", data["provider"]), ("Date", reader.time(at))),
    )


def _payout(data: Data, reader: Reader, at: datetime) -> Content:
    reference = data.get("bankReference")
    facts = [("Bank", data["provider"]), ("Date", reader.time(at))]
    return Content(
        subject=f"Your payout of {reader.money(data)} was paid",
        paragraphs=(f"The bank has paid {reader.money(data)} to your account.",),
        facts=tuple(facts + ([("Reference", reference)] if reference else [])),
    )


def _payout_refused(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject=f"Your payout of {reader.money(data)} was refused",
        paragraphs=(
            f"The bank refused your payout of {reader.money(data)}. The money is in your wallet"
            " again.",
        ),
        facts=_with_reason(data, ("Bank", data["provider"]), ("Date", reader.time(at))),
    )


def _transfer_received(data: Data, reader: Reader, at: datetime) -> Content:
    sender = reader.user(data, "senderId")
    return Content(
        subject=f"{sender} sent you {reader.money(data)}",
        paragraphs=(f"{sender} sent you {reader.money(data)}. It is in your wallet.",),
        facts=(("From", sender), ("Date", reader.time(at)), ("Amount", reader.money(data))),
    )


def _transfer_sent(data: Data, reader: Reader, at: datetime) -> Content:
    receiver = reader.user(data, "receiverId")
    return Content(
        subject=f"You sent {reader.money(data)} to {receiver}",
        paragraphs=(
            f"You sent {reader.money(data)} to {receiver}.",
            "If this was not you, change your password now and end your other sessions.",
        ),
        facts=(("To", receiver), ("Date", reader.time(at)), ("Amount", reader.money(data))),
    )


def _payment_request(data: Data, reader: Reader, at: datetime) -> Content:
    requester, amount = reader.user(data, "requesterId"), _requested(data, reader)
    return Content(
        subject=f"{requester} requests {amount}",
        paragraphs=(
            f"{requester} requests {amount} from you.",
            "Pay only people whom you know.",
        ),
        facts=(("From", requester), ("Date", reader.time(at)), ("Amount", amount)),
    )


def _payment_request_declined(data: Data, reader: Reader, at: datetime) -> Content:
    payer = reader.user(data, "payerId")
    return Content(
        subject=f"{payer} declined your payment request",
        paragraphs=(f"{payer} declined your request for {_requested(data, reader)}.",),
        facts=(("Date", reader.time(at)),),
    )


def _payment_request_cancelled(data: Data, reader: Reader, at: datetime) -> Content:
    requester = reader.user(data, "requesterId")
    return Content(
        subject=f"{requester} cancelled a payment request",
        paragraphs=(
            f"{requester} no longer requests {_requested(data, reader)}. You need not pay it.",
        ),
        facts=(("Date", reader.time(at)),),
    )


def _payment_request_expired(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject="Your payment request has expired",
        paragraphs=(f"Nobody paid your request for {_requested(data, reader)} in time.",),
        facts=(("Date", reader.time(at)),),
    )


def _payment_under_review(data: Data, reader: Reader, at: datetime) -> Content:
    amount = reader.money(data)
    return Content(
        subject=f"Your payment of {amount} is being reviewed",
        paragraphs=(
            f"We review your {_payment(data)} of {amount} before it is made. Until then the money"
            " is held in your wallet.",
            "You need not do anything. If this was not you, change your password now.",
        ),
        facts=(("Date", reader.time(at)), ("Amount", amount)),
    )


def _payment_released(data: Data, reader: Reader, at: datetime) -> Content:
    amount = reader.money(data)
    return Content(
        subject=f"Your payment of {amount} was approved",
        paragraphs=(f"We have reviewed and approved your {_payment(data)} of {amount}.",),
        facts=(("Date", reader.time(at)), ("Amount", amount)),
    )


def _payment_rejected(data: Data, reader: Reader, at: datetime) -> Content:
    amount = reader.money(data)
    return Content(
        subject=f"Your payment of {amount} was rejected",
        paragraphs=(
            f"After a review, we did not make your {_payment(data)} of {amount}. You have paid"
            " nothing: the money is no longer held.",
        ),
        facts=(("Date", reader.time(at)), ("Amount", amount)),
    )


def _payment_review_expired(data: Data, reader: Reader, at: datetime) -> Content:
    amount = reader.money(data)
    return Content(
        subject=f"Your payment of {amount} was not reviewed in time",
        paragraphs=(
            f"We did not manage to review your {_payment(data)} of {amount} in time, so it was not"
            " made. You have paid nothing: the money is no longer held.",
            "You can make the payment again.",
        ),
        facts=(("Date", reader.time(at)), ("Amount", amount)),
    )


def _payment(data: Data) -> str:
    return _PAYMENTS.get(data["kind"], "payment")


def _requested(data: Data, reader: Reader) -> str:
    return reader.money(data) if data["amount"] is not None else "an amount of your choice"


def _with_reason(data: Data, *facts: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    reason = data.get("reason")
    return (*facts, ("Reason", reason)) if reason else facts


#: What was reviewed, by the kind in the event.
_PAYMENTS: Final = {
    "PURCHASE": "purchase",
    "TRANSFER": "transfer",
    "HOLD": "hold",
    "WITHDRAWAL": "withdrawal",
    "PAYOUT": "payout",
}

TEXTS: Final[dict[str, Writer]] = {
    "deposit": _deposit,
    "deposit_failed": _deposit_failed,
    "payout": _payout,
    "payout_refused": _payout_refused,
    "transfer_received": _transfer_received,
    "transfer_sent": _transfer_sent,
    "payment_request": _payment_request,
    "payment_request_declined": _payment_request_declined,
    "payment_request_cancelled": _payment_request_cancelled,
    "payment_request_expired": _payment_request_expired,
    "payment_under_review": _payment_under_review,
    "payment_released": _payment_released,
    "payment_rejected": _payment_rejected,
    "payment_review_expired": _payment_review_expired,
}
