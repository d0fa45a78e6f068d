"""Locking wallets, over HTTP."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditRecord
from app.auth.models import Role
from app.common import db
from app.wallets.ledger import system_account
from app.wallets.models import SystemCode
from tests import factories
from tests.responses import error_body, refusal
from tests.wallets.helpers import lock, wallet_of, withdraw


class TestLocking:
    def test_a_locked_wallet_is_refused_until_it_is_unlocked(self, client: FlaskClient) -> None:
        user = factories.buyer("5.00")

        locked = lock(client, user)
        assert (locked.status_code, locked.json["isLocked"]) == (200, True)
        assert wallet_of(client, user)["isLocked"] is True
        assert refusal(withdraw(client, user, "1.00")) == (403, "WALLET_LOCKED")
        unlocked = client.post(
            f"/api/v1/admin/wallets/{locked.json['id']}/unlock",
            json={"reason": "Cleared"},
            headers=factories.admin().headers,
        )

        assert (unlocked.status_code, unlocked.json["isLocked"]) == (200, False)
        assert withdraw(client, user, "1.00").status_code == 200

    def test_lock_and_unlock_are_audited_with_their_reasons(self, client: FlaskClient) -> None:
        admin, user = factories.admin(), factories.actor()
        wallet_id = wallet_of(client, user)["id"]
        for action, reason in (("lock", "Under review"), ("unlock", "Cleared")):
            client.post(
                f"/api/v1/admin/wallets/{wallet_id}/{action}",
                json={"reason": reason},
                headers=admin.headers,
            )

        with db.transaction() as session:
            records = session.scalars(
                select(AuditRecord)
                .where(AuditRecord.target_id == UUID(wallet_id))
                .order_by(AuditRecord.id)
            ).all()
        assert [(r.actor_id, r.action, r.reason) for r in records] == [
            (admin.id, "wallet.lock", "Under review"),
            (admin.id, "wallet.unlock", "Cleared"),
        ]

    @pytest.mark.parametrize("role", [Role.USER, Role.MERCHANT])
    def test_only_administrators_can_lock(self, client: FlaskClient, role: Role) -> None:
        user = factories.actor(role)

        answer = client.post(
            f"/api/v1/admin/wallets/{wallet_of(client, user)['id']}/lock",
            json={"reason": "No reason"},
            headers=user.headers,
        )

        assert refusal(answer) == (403, "FORBIDDEN")
        assert error_body(answer)["message"] == "Access denied. Required roles: ADMIN"

    def test_unknown_wallets_and_platform_accounts_are_not_found(self, client: FlaskClient) -> None:
        bank = system_account(SystemCode.BANK, "USD").id
        for wallet_id in ("01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11", bank):
            answer = client.post(
                f"/api/v1/admin/wallets/{wallet_id}/lock",
                json={"reason": "x"},
                headers=factories.admin().headers,
            )
            assert refusal(answer) == (404, "WALLET_NOT_FOUND")
