"""Messages about email addresses and phone numbers of accounts."""

from datetime import datetime
from typing import Final

from app.notifications.texts.content import Content, Data, Reader, Writer

_HANDLES: Final = {"email": "email address", "phone": "phone number"}
_PROTECT: Final = (
    "Then set a new password, end your other sessions and check your API keys: somebody else knows"
    " your password."
)


def _verification(data: Data, reader: Reader, at: datetime) -> Content:
    paragraphs: tuple[str, ...] = (
        "Somebody, probably you, wants to use this address for an account. The link can be used"
        " once, within 24 hours. Use it only if the account is yours: money that is sent to the"
        " address then arrives in it.",
    )
    if data["isHeld"]:
        paragraphs += (
            "Another account has this address and has not verified it. It loses the address if you"
            " use the link. If you have an account already, sign in to it instead, or set a new"
            " password for it.",
        )
    paragraphs += ("If this was not you, you need not do anything.",)
    return Content("Verify your email address", paragraphs, facts=(("Date", reader.time(at)),))


def _wanted(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject="Your email address stays yours",
        paragraphs=(
            "Somebody wanted to use your address for another account. It stays with yours, because"
            " you have verified it.",
            "If this was you, sign in to the account that has the address. If not, you need not do"
            " anything.",
        ),
        facts=(("Date", reader.time(at)),),
    )


def _replaced(data: Data, reader: Reader, at: datetime) -> Content:
    if data["purpose"] == "EMAIL_RESTORE":
        advice = f"If this was not you, undo the change within 7 days. {_PROTECT}"
    else:
        advice = "If this was not you, and the account is yours, sign in to it and change it back."
    return Content(
        subject="Your email address was replaced",
        paragraphs=("Your account has another email address, with which you sign in.", advice),
        facts=(("Date", reader.time(at)),),
    )


def _changed(data: Data, reader: Reader, at: datetime) -> Content:
    if data["isRestored"]:
        subject, text = "Your email address was restored", "A change of your address was undone."
    else:
        subject, text = "Your email address was changed", "Your account has a new email address."
    return Content(
        subject=subject,
        paragraphs=(
            f"{text} Other sessions have ended; API keys keep working.",
            f"If this was not you, use the link in the mail to your earlier address. {_PROTECT}",
        ),
        facts=(("Date", reader.time(at)),),
    )


def _lost(data: Data, reader: Reader, at: datetime) -> Content:
    handle = _HANDLES.get(data["handle"], "address")
    return Content(
        subject=f"Your account has lost its {handle}",
        paragraphs=(
            f"Somebody else has proved that the {handle} is theirs, which this account had not"
            " verified. Your balance, purchases and sessions are as before.",
            "Add another email address or phone number and verify it. Until then, sign in with the"
            f" ID of the account instead: {data['id']}",
        ),
        facts=(("Date", reader.time(at)),),
    )


def _phone_code(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject="Payment Flow:",
        paragraphs=("It is valid for 10 minutes. Nobody from us will ever ask you for it.",),
    )


TEXTS: Final[dict[str, Writer]] = {
    "email_verification": _verification,
    "email_wanted": _wanted,
    "email_replaced": _replaced,
    "email_changed": _changed,
    "handle_lost": _lost,
    "phone_code": _phone_code,
}
