"""HTTP of simulated traffic, for administrators. The simulator is called after the transaction."""

from typing import Any

from app.administration.traffic import service
from app.administration.traffic.errors import TrafficForbidden, TrafficUnavailable
from app.administration.traffic.schemas import MadeTransactionOut, StartTrafficIn, TrafficOut
from app.administration.traffic.service import MadeTransaction, Traffic
from app.auth.guard import confirm_admin_code, current_admin, requires, requires_admin_code
from app.auth.models import Role
from app.common.db import reading, transaction
from app.common.http import Blueprint

admin_blp = Blueprint(
    "admin-traffic", __name__, url_prefix="/admin/traffic", description="Simulated traffic"
)


@admin_blp.get("")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, TrafficOut)
@admin_blp.errors(TrafficForbidden, TrafficUnavailable)
def get_traffic() -> Traffic:
    """Get the simulated traffic

    What the traffic simulator has made since it was started. Never in production.
    """
    with reading() as session:
        current_admin(session)
    return service.get_traffic()


@admin_blp.post("/start")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(StartTrafficIn)
@admin_blp.response(200, TrafficOut)
@admin_blp.errors(TrafficForbidden, TrafficUnavailable)
@requires_admin_code(admin_blp)
def start_traffic(body: dict[str, Any]) -> Traffic:
    """Start simulated traffic

    People of the simulator then buy, pay and give back through the API. If there is traffic
    already, its interval changes. Never in production.
    """
    _record("traffic.start", **body)
    return service.start(**body)


@admin_blp.post("/stop")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, TrafficOut)
@admin_blp.errors(TrafficForbidden, TrafficUnavailable)
@requires_admin_code(admin_blp)
def stop_traffic() -> Traffic:
    """Stop simulated traffic

    Transactions that have begun are completed. Never in production.
    """
    _record("traffic.stop")
    return service.stop()


@admin_blp.post("/once")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, MadeTransactionOut)
@admin_blp.errors(TrafficForbidden, TrafficUnavailable)
@requires_admin_code(admin_blp)
def make_simulated_transaction() -> MadeTransaction:
    """Make one simulated transaction

    A person of the simulator buys something now. Never in production.
    """
    _record("traffic.once")
    return service.make_once()


def _record(action: str, **details: Any) -> None:
    with transaction() as session:
        actor = current_admin(session)
        service.record(session, actor_id=actor.id, action=action, **details)
        confirm_admin_code(session)
