"""HTTP of insights: for operators, and the feed of transactions for everybody's own."""

from typing import Any
from uuid import UUID

from app.auth.guard import current_admin, current_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common.db import reading
from app.common.http import Blueprint
from app.common.replica import may_lag
from app.insights import service
from app.insights.health import service as health
from app.insights.health.schemas import SystemHealthOut
from app.insights.objectives import service as objectives
from app.insights.schemas import FeedArgs, FeedTransactionList, ObjectiveReportOut, StatsOut
from app.insights.transactions import service as transactions

admin_blp = Blueprint(
    "admin-insights", __name__, url_prefix="/insights", description="Figures of the system"
)
blp = Blueprint("insights", __name__, url_prefix="/insights", description="The feed")


@admin_blp.get("/stats")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, StatsOut)
def get_stats() -> Any:
    """Get the figures of the system

    Transactions in total and per minute of the last hour, how many are approved, how long requests
    take, and uptime. Everything is counted or measured, and read from sums: it takes a few
    milliseconds, however many transactions there were. Transactions appear within a second.
    """
    with reading() as session:
        current_admin(session)
        return service.stats(session)


@admin_blp.get("/slo")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, ObjectiveReportOut)
def get_objectives() -> Any:
    """Get the service level objectives

    Availability and latency of requests in the period of `SLO_WINDOW`, what is left of their error
    budgets, and how fast these are used up at present. Requests with a body of more than 64 KiB are
    not counted, because their clients decide how long they take.
    """
    with reading() as session:
        current_admin(session)
        return objectives.get_report(session)


@admin_blp.get("/health")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, SystemHealthOut)
def get_system_health() -> Any:
    """Get the health of the system

    Whether what requests need answers, what waits for the relay and the workers, and when the books
    were last verified. For load balancers there is `/health/ready`, and for Prometheus `/metrics`.
    """
    with reading() as session:
        current_admin(session)
        return health.get_health(session)


@blp.get("/transactions")
@requires(blp, Role.USER, Role.MERCHANT, Role.ADMIN, scope=Scope.WALLET_READ)
@blp.arguments(FeedArgs, location="query")
@blp.response(200, FeedTransactionList)
@may_lag
def list_feed_transactions(args: dict[str, Any]) -> Any:
    """List the latest transactions

    Decided attempts to move money out of a wallet: purchases, transfers, payments of requests and
    merchant codes, holds, withdrawals and payouts, approved, declined or under review, newest
    first. Administrators see all; others see those that they pay, and merchants those that pay
    them. A user is shown as a number. Transactions stay for `RETENTION_FEED`.
    """
    with reading() as session:
        user = current_user(session)
        party_id: UUID | None = user.id
        if user.role == Role.ADMIN:
            current_admin(session)
            party_id = None
        return transactions.list_page(session, party_id=party_id, **args)
