"""The sessions of users who have signed in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import repository
from app.auth import service as auth
from app.auth.errors import SessionNotFound
from app.auth.models import LoginSession, SessionKind
from app.common import clock
from app.common.pagination import Page, PageRequest


def list_active_sessions(
    session: Session, page: PageRequest, *, user_id: UUID
) -> Page[LoginSession]:
    """The user's active sessions, newest first, without those of API keys."""
    return repository.list_active_sessions(session, page, user_id=user_id, now=clock.now())


def revoke_session(session: Session, *, user_id: UUID, session_id: UUID) -> None:
    """End one of the user's sessions. Raises SessionNotFound."""
    login = repository.get_session_for_update(session, session_id)
    if login is None or login.user_id != user_id or login.revoked_at is not None:
        raise SessionNotFound
    if login.kind != SessionKind.LOGIN:
        raise SessionNotFound
    login.revoked_at, login.revoked_because = clock.now(), "signed out"


def revoke_sessions(session: Session, *, actor_id: UUID, user_id: UUID, reason: str) -> None:
    """End all of a user's sessions, on behalf of an administrator.

    Raises UserNotFound, OwnAccount.
    """
    auth.require_other_account(actor_id, user_id)
    auth.require_user(session, user_id)
    repository.revoke_sessions(
        session, user_id=user_id, kind=SessionKind.LOGIN, now=clock.now(), because="administrator"
    )
    audit.record(
        session,
        actor_id=actor_id,
        action="user.revoke-sessions",
        target=("user", user_id),
        reason=reason,
    )


def end_all(session: Session, *, before: datetime) -> int:
    """End the sessions of all users that were created until then. Returns their number."""
    return repository.revoke_all_sessions(
        session, kind=SessionKind.LOGIN, before=before, now=clock.now(), because="restore"
    )
