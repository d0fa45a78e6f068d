"""Notifications about the security of an account, about webhooks, and of other services."""

from datetime import datetime
from typing import Final

from app.notifications.texts.content import Button, Content, Data, Reader, Writer

_NOT_YOU: Final = (
    "If this was not you, change your password now, end your other sessions and check"
    " your API keys."
)
_DISABLED: Final = {"GONE": "It said that it is gone", "FAILING": "Deliveries kept failing"}
_SECOND_FACTOR: Final = {
    "enabled": "Two-factor authentication was enabled",
    "disabled": "Two-factor authentication was disabled",
    "reset": "Two-factor authentication was reset by an administrator",
    "recovery codes renewed": "Your recovery codes were replaced",
    "recovery code used": "A recovery code was used",
}


def _new_session(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject="New sign-in to your account",
        paragraphs=(
            "Somebody signed in to your account with a device that has not been used before.",
            _NOT_YOU,
        ),
        facts=(
            ("Device", data["userAgent"] or "unknown"),
            ("Address", data["address"] or "unknown"),
            ("Date", reader.time(at)),
        ),
    )


def _password_reset(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject="Set a new password",
        paragraphs=(
            "Somebody, probably you, asked for a new password for your account.",
            "The link can be used once, within 30 minutes. If this was not you, you need not do"
            " anything: your password is as before.",
        ),
        facts=(("Date", reader.time(at)),),
    )


def _password_changed(data: Data, reader: Reader, at: datetime) -> Content:
    way = (
        "with a link that was sent by mail" if data["because"] == "reset" else "by a signed-in user"
    )
    return Content(
        subject="Your password was changed",
        paragraphs=(
            f"The password of your account was changed {way}. Other sessions have ended.",
            "If this was not you, reset your password now: somebody else can use your account.",
        ),
        facts=(("Date", reader.time(at)),),
    )


def _two_factor_changed(data: Data, reader: Reader, at: datetime) -> Content:
    change = _SECOND_FACTOR.get(data["change"], "Your two-factor authentication was changed")
    return Content(
        subject=change,
        paragraphs=(f"{change}.", _NOT_YOU),
        facts=(("Date", reader.time(at)),),
    )


def _api_key_created(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject="An API key was created",
        paragraphs=(f"The API key “{data['name']}” was created in your account.", _NOT_YOU),
        facts=_of_key(data, reader, at),
    )


def _api_key_revoked(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject="An API key was revoked",
        paragraphs=(f"The API key “{data['name']}” no longer works.", _NOT_YOU),
        facts=_of_key(data, reader, at),
    )


def _of_key(data: Data, reader: Reader, at: datetime) -> tuple[tuple[str, str], ...]:
    return (
        ("Key", f"{data['prefix']}…"),
        ("Scopes", ", ".join(data["scopes"])),
        ("Date", reader.time(at)),
    )


def _webhook_disabled(data: Data, reader: Reader, at: datetime) -> Content:
    return Content(
        subject="A webhook endpoint was disabled",
        paragraphs=(
            "One of your webhook endpoints receives nothing any more: it was disabled.",
            "Repair it, enable it again, and replay what it has missed.",
        ),
        facts=(
            ("Address", data["url"]),
            ("Reason", _DISABLED.get(data["because"], "unknown")),
            ("Date", reader.time(at)),
        ),
    )


def _message(data: Data, reader: Reader, at: datetime) -> Content:
    link = data.get("link") or ""
    return Content(
        subject=data["subject"],
        paragraphs=tuple(filter(None, (part.strip() for part in data["text"].split("\n\n")))),
        button=Button("Open", link) if link.startswith("https://") else None,
    )


TEXTS: Final[dict[str, Writer]] = {
    "new_session": _new_session,
    "password_reset": _password_reset,
    "password_changed": _password_changed,
    "two_factor_changed": _two_factor_changed,
    "api_key_created": _api_key_created,
    "api_key_revoked": _api_key_revoked,
    "webhook_disabled": _webhook_disabled,
    "message": _message,
}
