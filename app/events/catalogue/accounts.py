"""Accounts and API keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from app.events.base import Event, event


@event("account-created", aggregate="user")
class AccountCreated(Event):
    """A user registered, or the command line created an account."""

    role: str


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
