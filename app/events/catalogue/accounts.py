"""Accounts, their security, and API keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from app.events.base import Event, event


@event("account-created", aggregate="user")
class AccountCreated(Event):
    """A user registered, or the command line created an account."""

    role: str


@event("session-created", aggregate="session")
class SessionCreated(Event):
    """A user signed in or registered."""

    user_id: UUID
    user_agent: Annotated[str | None, "program that signed in, as it calls itself"]
    address: Annotated[str | None, "IP address"]
    is_new_device: Annotated[
        bool, "whether the account was never used with this device before; false at registration"
    ]


@event("password-changed", aggregate="user")
class PasswordChanged(Event):
    """The password of an account was changed, and other sessions were ended."""

    because: Annotated[str, "`changed`, by a user who knew it, or `reset`, by e-mail"]


@event("handle-verified", aggregate="user")
class HandleVerified(Event):
    """A user has proved to own the email address or phone number of the account."""

    handle: Annotated[str, "`email` or `phone`"]


@event("email-changed", aggregate="user")
class EmailChanged(Event):
    """An account has another email address, and its other sessions were ended."""

    is_restored: Annotated[bool, "whether the owner of an earlier address has undone a change"]


@event("handle-lost", aggregate="user")
class HandleLost(Event):
    """Somebody else has proved to own an address or number that the account had not verified.
    The account has lost it, and keeps everything else."""

    handle: Annotated[str, "`email` or `phone`"]


@event("two-factor-changed", aggregate="user")
class TwoFactorChanged(Event):
    """The second factor of an account was changed."""

    change: Annotated[
        str,
        "`enabled`, `disabled`, `reset` by an administrator, `recovery codes renewed`, `recovery"
        " code used`",
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyEvent(Event):
    user_id: UUID
    name: str
    prefix: Annotated[str, "the first characters of the key, which identify it to its owner"]
    scopes: tuple[str, ...]


@event("api-key-created", aggregate="api_key")
class ApiKeyCreated(ApiKeyEvent):
    """A merchant created an API key."""

    expires_at: datetime | None


@event("api-key-revoked", aggregate="api_key")
class ApiKeyRevoked(ApiKeyEvent):
    """An API key was revoked: by its merchant, by a new password, or with the account."""

    because: Annotated[str, "`revoked`, `password changed` or `deactivated`"]
