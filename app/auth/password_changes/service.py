"""Changes of passwords."""

from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import repository
from app.auth.api_keys import service as api_keys
from app.auth.errors import UserNotFound
from app.auth.handles import service as handles
from app.auth.models import SessionKind
from app.common import clock
from app.events import service as events
from app.events.catalogue.accounts import PasswordChanged


def change_password(
    session: Session,
    *,
    user_id: UUID,
    password_hash: str,
    keep_session: UUID,
    revoke_api_keys: bool = False,
) -> None:
    """Set a new password and end every other session.

    API keys stay valid unless `revoke_api_keys`: a routine change of the password must not stop a
    merchant's servers.
    """
    set_password(
        session,
        user_id=user_id,
        password_hash=password_hash,
        because="changed",
        keep_session=keep_session,
    )
    if revoke_api_keys:
        api_keys.revoke_all(session, user_id=user_id, actor_id=user_id, because="password changed")
    audit.record(
        session,
        actor_id=user_id,
        action="user.change-password",
        target=("user", user_id),
    )


def set_password(
    session: Session,
    *,
    user_id: UUID,
    password_hash: str,
    because: str,
    keep_session: UUID | None = None,
) -> None:
    """Store a new password, and end all sessions but `keep_session`, and requested changes of the
    address.

    because: as of PasswordChanged. Raises UserNotFound.
    """
    user = repository.get_user_for_update(session, user_id)
    if user is None:
        raise UserNotFound
    now = clock.now()
    user.password_hash, user.updated_at = password_hash, now
    repository.revoke_sessions(
        session,
        user_id=user_id,
        kind=SessionKind.LOGIN,
        now=now,
        because="password changed",
        keep=keep_session,
    )
    handles.cancel_requests(session, user_id=user_id)
    events.record(session, [PasswordChanged(aggregate_id=user_id, because=because)])
