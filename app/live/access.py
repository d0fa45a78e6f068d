"""Who may see which transactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.auth import service as auth
from app.auth.errors import AdminCodeRequired
from app.auth.models import Role
from app.auth.stream_tickets import service as stream_tickets
from app.auth.tokens import Identity, read_access_token
from app.auth.two_factor import service as two_factor
from app.common.db import reading
from app.common.errors import Forbidden, Unauthorized
from app.common.process_state import Slot
from app.common.settings import Settings
from app.live.transactions import Transaction

_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Viewer:
    """user_id, session_id: None if nobody has signed in."""

    sees_all: bool
    sees_risk: bool
    user_id: UUID | None = None
    session_id: UUID | None = None

    def may_see(self, transaction: Transaction) -> bool:
        return self.sees_all or self.user_id in transaction.parties


@dataclass(frozen=True, slots=True)
class Policy:
    """is_open: callers without a token see everything, without names and addresses. is_production:
    risk scores are for administrators, and no transactions are generated. requires_code:
    administrators need two-factor authentication."""

    is_open: bool
    is_production: bool
    requires_code: bool

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        return cls(
            is_open=settings.live_public or not settings.is_production,
            is_production=settings.is_production,
            requires_code=settings.admin_two_factor_required,
        )


#: The policy of this process.
policy: Final[Slot[Policy]] = Slot("live policy")


def require_viewer(authorization: str | None, ticket: str | None) -> Viewer:
    """The viewer by the header `Authorization` or by a single-use ticket, as of now.

    Called in a thread, because it asks the database. Raises Unauthorized, AdminCodeRequired, and
    Unavailable if there is a ticket while Redis is away.
    """
    if authorization is None and ticket is None:
        raise Unauthorized
    return _viewer_of(_identity(authorization, ticket))


def require_any_viewer(authorization: str | None, ticket: str | None) -> Viewer:
    """The same where `Policy.is_open` admits callers who are not signed in."""
    if authorization is None and ticket is None and policy().is_open:
        return Viewer(sees_all=True, sees_risk=not policy().is_production)
    return require_viewer(authorization, ticket)


def require_overview(viewer: Viewer) -> None:
    """Require that the viewer sees the transactions of all. Raises Forbidden."""
    if not viewer.sees_all:
        raise Forbidden


def _identity(authorization: str | None, ticket: str | None) -> Identity:
    if authorization is not None:
        token = authorization[len(_BEARER) :].strip()
        return read_access_token(token if authorization.lower().startswith(_BEARER) else None)
    identity = stream_tickets.redeem(ticket or "")
    if identity is None:
        raise Unauthorized
    return identity


def _viewer_of(identity: Identity) -> Viewer:
    with reading() as session:
        user = auth.require_user_of_session(
            session, user_id=identity.user_id, session_id=identity.session_id
        )
        is_admin = user.role == Role.ADMIN
        if (
            is_admin
            and policy().requires_code
            and not two_factor.is_enabled(session, user_id=user.id)
        ):
            raise AdminCodeRequired(enrolled=False, tried=False)
    return Viewer(is_admin, is_admin, user.id, identity.session_id)


def list_valid_sessions(session_ids: Mapping[UUID, object]) -> set[UUID]:
    """Those of the sessions that are still valid, in a thread."""
    with reading() as session:
        return set(auth.query_callers(session, list(session_ids))())
