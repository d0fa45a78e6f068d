"""HTTP of users and wallets, for administrators."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from app.administration.accounts import service
from app.administration.accounts.schemas import (
    ExportUsersArgs,
    ExportWalletsArgs,
    ListedUserList,
    ListedWalletList,
    UserDetailOut,
    UsersArgs,
    UserSessionList,
    WalletsArgs,
)
from app.auth.admin_exports.http import exports, respond_with_export
from app.auth.errors import UserNotFound
from app.auth.guard import current_admin, requires
from app.auth.models import Role
from app.common.db import reading, transaction
from app.common.http import Blueprint, json_response, settings
from app.common.json_format import dump_json
from app.common.pagination import PageArgs
from app.common.replica import may_lag
from app.wallets import service as wallets
from app.wallets.errors import WalletNotFound
from app.wallets.schemas import (
    ExportTransactionsArgs,
    HistoryArgs,
    TransactionList,
    transaction_out,
)

admin_blp = Blueprint(
    "admin-accounts", __name__, url_prefix="/admin", description="Users and their wallets"
)


@admin_blp.get("/users")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(UsersArgs, location="query")
@admin_blp.response(200, ListedUserList)
@may_lag
def list_users(args: dict[str, Any]) -> Any:
    """List users

    Newest first. `from` and `to` refer to the registration.
    """
    with reading() as session:
        current_admin(session)
        return service.list_users(session, **args)


@exports(admin_blp, "/users/export", ExportUsersArgs, cells=service.EXPORTED_USERS)
def export_users(args: dict[str, Any]) -> Response:
    """Export users as CSV

    Returns all users of the list, newest first. Times are in UTC. The audit log records who has
    exported them, with which filters (`user.export`).
    """
    return respond_with_export("user", service.export_users, service.EXPORTED_USERS, **args)


@admin_blp.get("/users/<uuid:user_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, UserDetailOut)
@admin_blp.errors(UserNotFound)
def get_user(user_id: UUID) -> dict[str, Any]:
    """Get a user

    Returns what support needs, and no secret. The audit log records who has read it (`user.view`).
    """
    with transaction() as session:
        actor = current_admin(session)
        found = service.require_user_details(session, actor_id=actor.id, user_id=user_id)
    url = f"{settings().public_address}{settings().api_prefix}/admin/users/{user_id}"
    return {
        "user": found.user,
        "two_factor": found.two_factor,
        "wallets": found.wallets,
        "quotas_url": f"{url}/quotas",
        "limits_url": f"{url}/limits",
    }


@admin_blp.get("/users/<uuid:user_id>/sessions")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(PageArgs, location="query")
@admin_blp.response(200, UserSessionList)
@admin_blp.errors(UserNotFound)
def list_user_sessions(args: dict[str, Any], user_id: UUID) -> Any:
    """List a user's sessions

    Those that are neither revoked nor expired, newest first. The audit log records who has read
    them (`user.view`).
    """
    with transaction() as session:
        actor = current_admin(session)
        return service.list_sessions(session, actor_id=actor.id, user_id=user_id, **args)


@admin_blp.get("/wallets")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(WalletsArgs, location="query")
@admin_blp.response(200, ListedWalletList)
@may_lag
def list_wallets(args: dict[str, Any]) -> Any:
    """List wallets

    Returns the wallets of users, newest first, without platform accounts. Wallets cannot be
    searched by balance: an index of balances would slow every payment down.
    """
    with reading() as session:
        current_admin(session)
        return service.list_wallets(session, **args)


@exports(admin_blp, "/wallets/export", ExportWalletsArgs, cells=service.EXPORTED_WALLETS)
def export_wallets(args: dict[str, Any]) -> Response:
    """Export wallets as CSV

    Returns all wallets of the list, newest first. Times are in UTC. The audit log records who has
    exported them, with which filters (`wallet.export`).
    """
    return respond_with_export("wallet", service.export_wallets, service.EXPORTED_WALLETS, **args)


@admin_blp.get("/wallets/<uuid:wallet_id>/transactions")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(HistoryArgs, location="query")
@admin_blp.response(200, TransactionList)
@admin_blp.errors(WalletNotFound)
def list_wallet_transactions(args: dict[str, Any], wallet_id: UUID) -> Response:
    """List the transactions of a wallet

    Returns what its owner sees at `/wallet/transactions`. The audit log records who has read it
    (`wallet.view`).
    """
    with transaction() as session:
        actor = current_admin(session)
        within = args.pop("requested").within(actor.time_zone)
        found = service.list_transactions(
            session, actor_id=actor.id, wallet_id=wallet_id, within=within, **args
        )
    return json_response(dump_json(found.serialized(lambda line: transaction_out(*line))))


@exports(
    admin_blp,
    "/wallets/<uuid:wallet_id>/transactions/export",
    ExportTransactionsArgs,
    cells=wallets.EXPORTED_TRANSACTIONS,
)
@admin_blp.errors(WalletNotFound)
def export_wallet_transactions(args: dict[str, Any], wallet_id: UUID) -> Response:
    """Export the transactions of a wallet as CSV

    Returns all transactions of the list, newest first; those that take money out are negative.
    Times are in UTC. The audit log records who has exported them, with which filters
    (`transaction.export`).
    """
    with reading() as session:
        within = args.pop("requested").within(current_admin(session).time_zone)
        wallet = service.require_account(session, wallet_id)
    return respond_with_export(
        "transaction",
        partial(wallets.export_transactions, wallet=wallet, within=within),
        wallets.EXPORTED_TRANSACTIONS,
        target=("wallet", wallet_id),
        **args,
    )
