"""HTTP of backtests, for administrators."""

from functools import partial
from typing import Any
from uuid import UUID

from app.auth.guard import confirm_admin_code, current_admin, requires, requires_admin_code
from app.auth.models import Role
from app.common import queue
from app.common.db import after_commit, reading, transaction
from app.common.errors import BadRequest
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.common.pagination import PageArgs
from app.risk.backtests import service, tasks
from app.risk.backtests.errors import BacktestNotFound, TooManyBacktests
from app.risk.backtests.presentation import presented
from app.risk.backtests.schemas import BacktestList, BacktestOut, CreateRiskBacktestIn
from app.risk.errors import RuleNotFound

admin_blp = Blueprint(
    "admin-risk-backtests",
    __name__,
    url_prefix="/admin/risk/backtests",
    description="Backtests of rules of screening",
)


@admin_blp.post("")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(CreateRiskBacktestIn)
@idempotent(admin_blp)
@admin_blp.response(201, BacktestOut)
@admin_blp.errors(BadRequest, RuleNotFound, TooManyBacktests)
@requires_admin_code(admin_blp)
def create_risk_backtest(body: dict[str, Any]) -> dict[str, Any]:
    """Start the backtest of a risk rule

    Evaluates a version of a rule with the attempts of the past, in place of the active version,
    and compares both. It has no effect on payments. The worker does it; its progress is at
    `GET /admin/risk/backtests/{backtest_id}`.
    """
    with transaction() as session:
        created = service.create_backtest(
            session,
            actor_id=current_admin(session).id,
            rule_id=body["rule_id"],
            starts_at=body["since"],
            ends_at=body.get("until"),
        )
        confirm_admin_code(session)
        after_commit(session, partial(queue.enqueue, tasks.run_backtest, created.id))
        return presented(created)


@admin_blp.get("")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(PageArgs, location="query")
@admin_blp.response(200, BacktestList)
def list_risk_backtests(args: dict[str, Any]) -> Any:
    """List backtests of risk rules

    Newest first, with what they have found so far.
    """
    with reading() as session:
        current_admin(session)
        found = service.list_backtests(session, **args)
        return found.with_data(presented(backtest) for backtest in found.data)


@admin_blp.get("/<uuid:backtest_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, BacktestOut)
@admin_blp.errors(BacktestNotFound)
def get_risk_backtest(backtest_id: UUID) -> dict[str, Any]:
    """Get a backtest of a risk rule

    While it is RUNNING, what it has found so far.
    """
    with reading() as session:
        current_admin(session)
        return presented(service.require_backtest(session, backtest_id))
