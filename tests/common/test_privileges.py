"""What the application's role may do in the database.

All other tests run with this role: a statement that needs more than `migrate` grants fails there.
"""

import ast
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app.auth import service as auth
from app.auth.models import Role
from app.common import db, privileges
from app.common.db import transaction
from app.common.ids import new_id
from app.common.settings import PROJECT_ROOT, Settings, SettingsError
from app.models import Base
from app.retention.policy import RULES
from tests import factories, servers
from tests.environment import REQUIRED, empty_environment, load

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

INSUFFICIENT_PRIVILEGE = "42501"

#: References that are set after the row was inserted.
LATE_REFERENCES = {
    ("password_resets", "user_id"),
    ("licences", "replaced_by"),
    ("onramps", "settled_by"),
    ("payment_requests", "transfer_id"),
    ("product_codes", "order_id"),
    ("product_codes", "replaced_by"),
    ("products", "category_id"),
    ("refund_requests", "refund_id"),
    ("refunds", "settled_by"),
    ("risk_cases", "assigned_to"),
    ("risk_cases", "decided_by"),
    ("risk_rules", "activated_by"),
    ("risk_rules", "activation_requested_by"),
    ("shop_logos", "image_id"),
}

TREES = [ast.parse(path.read_text()) for path in (PROJECT_ROOT / "app").rglob("*.py")]


def written_names() -> Iterator[str]:
    """Names that the code assigns to attributes, passes as keywords or sets in SQL."""
    for node in (node for tree in TREES for node in ast.walk(tree)):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.keyword(arg=str(name)):
                yield name
            case ast.Constant(value=str(value)):
                yield value
                yield from re.findall(r"\b(\w+) = ", value)


def deleted_models() -> set[str]:
    """Classes that the code passes to `delete(…)`."""
    return {
        node.args[0].id
        for tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "delete"
        and node.args
        and isinstance(node.args[0], ast.Name)
    }


class TestDeclarations:
    def test_a_mutable_column_is_one_that_the_application_changes(self) -> None:
        written = set(written_names())
        declared = {name for granted in privileges.allowed().values() for name in granted.updated}
        assert declared - written == set()

    def test_mutable_columns_exist(self) -> None:
        for table in Base.metadata.sorted_tables:
            assert set(table.info.get("mutable", ())) <= set(table.columns.keys()), table.name

    def test_what_a_row_is_and_whose_never_changes(self) -> None:
        """Neither keys nor references, currencies or roles, however many tables there will be."""
        fixed = {"currency", "role", "kind", "type", "created_at"}
        found = {
            (table.name, column.name)
            for table in Base.metadata.sorted_tables
            for column in table.columns
            if column.name in table.info.get("mutable", ())
            and (column.primary_key or column.foreign_keys or column.name in fixed)
        }
        # An enrolment that starts again; a key whose request is answered.
        restarted = {("two_factors", "created_at"), ("idempotency_keys", "created_at")}
        assert found == LATE_REFERENCES | restarted

    def test_rows_are_deleted_only_where_the_application_deletes(self) -> None:
        tables = {
            mapper.class_.__name__: mapper.class_.__tablename__ for mapper in Base.registry.mappers
        }
        deleted = {tables[name] for name in deleted_models() if name in tables}
        deleted |= {rule.table for rule in RULES if rule.clear is None}
        deleted |= {
            "product_codes",
            "code_uploads",
            "product_images",
            "risk_rules",
            "shop_logos",
        }  # session.delete
        deleted |= {"money_gate"}  # always empty; LOCK TABLE requires it
        allowed = privileges.allowed()
        assert {name for name in allowed if "DELETE" in allowed[name].on_table} == deleted


class TestRole:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE users SET role = 'ADMIN'",
            "UPDATE users SET id = gen_random_uuid()",
            "UPDATE orders SET amount = 1, user_id = merchant_id",
            "UPDATE wallets SET user_id = gen_random_uuid()",
            "UPDATE wallet_transactions SET amount = 1",
            "UPDATE wallet_holds SET amount = 1",
            "UPDATE wallet_limits SET user_id = NULL",
            "UPDATE payouts SET amount = 1, bank_account_id = gen_random_uuid()",
            "UPDATE bank_accounts SET number_sealed = ''",
            "UPDATE api_keys SET scopes = '{wallet:withdraw}'",
            "DELETE FROM users",
            "DELETE FROM orders",
            "DELETE FROM wallets",
            "DELETE FROM api_keys",
            "TRUNCATE outbox_events",
        ],
    )
    def test_it_is_refused(self, app: Flask, statement: str) -> None:
        with pytest.raises(DBAPIError) as error, transaction() as session:
            session.execute(
                text(f"{statement} WHERE false" if "UPDATE" in statement else statement)
            )
        assert db.sqlstate(error.value) == INSUFFICIENT_PRIVILEGE

    def test_it_creates_no_administrators(self, app: Flask) -> None:
        with pytest.raises(DBAPIError) as error, transaction() as session:
            auth.register(session, email="eve@example.com", password_hash="", role=Role.ADMIN)
        assert db.sqlstate(error.value) == INSUFFICIENT_PRIVILEGE


class TestBalances:
    """The balance of a wallet is that of its last posting, whatever the application does."""

    def refused(self, statement: str, **values: object) -> None:
        with pytest.raises(DBAPIError) as error, transaction() as session:
            session.execute(text(statement), values)
        assert db.constraint_name(error.value) == "ck_wallets_balance_is_posted"

    @pytest.mark.parametrize(
        "change",
        [
            "balance = balance + 1",
            "balance = 0",
            "balance = 0, sequence = 0",
            "sequence = sequence + 1",
            "sequence = sequence - 1, balance = 1000",
        ],
    )
    def test_a_balance_without_a_posting_is_refused(self, committing: Flask, change: str) -> None:
        user = factories.buyer("10.00")
        factories.buyer("10.00")

        self.refused(f"UPDATE wallets SET {change} WHERE user_id = :id", id=user.id)

    def test_a_new_wallet_is_empty(self, committing: Flask) -> None:
        self.refused(
            "INSERT INTO wallets (id, kind, user_id, currency, balance, created_at, updated_at)"
            " VALUES (:id, 'USER', :user, 'EUR', 1, now(), now())",
            id=new_id(),
            user=factories.actor().id,
        )

    def test_a_posting_without_a_balance_is_refused(self, committing: Flask) -> None:
        user = factories.buyer("10.00")

        self.refused(_POSTING, entry=new_id(), posting=new_id(), bank=new_id(), user=user.id)

    def test_holds_change_no_balance(self, committing: Flask) -> None:
        user = factories.buyer("10.00")

        with transaction() as session:
            session.execute(
                text("UPDATE wallets SET held = 1 WHERE user_id = :id"), {"id": user.id}
            )


_POSTING = """
    WITH entry AS (
        INSERT INTO journal_entries (id, kind, created_at) VALUES (:entry, 'TEST', now())
    )
    INSERT INTO wallet_transactions (id, journal_entry_id, wallet_id, sequence, type, status,
        amount, balance_before, balance_after, currency, created_at, type_total, uncoded_total)
    SELECT CAST(:posting AS uuid), CAST(:entry AS uuid), id, sequence + 1, 'DEPOSIT', 'COMPLETED',
        500, balance, balance + 500, currency, now(), 1500, 1500
    FROM wallets WHERE user_id = :user
    UNION ALL
    SELECT CAST(:bank AS uuid), CAST(:entry AS uuid), id, NULL, 'DEPOSIT', 'COMPLETED',
        -500, NULL, NULL, currency, now(), NULL, NULL
    FROM wallets WHERE code = 'BANK' AND currency = 'USD'
"""


class TestStart:
    """Production asks for privileges that the role should not have."""

    def settings(self, monkeypatch: pytest.MonkeyPatch, url: str) -> Settings:
        return load(monkeypatch, APP_ENV="production", DATABASE_URL=url, **REQUIRED)

    @pytest.mark.parametrize(
        ("excess", "named"),
        [
            ("UPDATE ON journal_entries", "UPDATE journal_entries"),
            ("UPDATE (role) ON users", "UPDATE users.role"),
            ("DELETE ON users", "DELETE users"),
            ("TRUNCATE ON outbox_events", "TRUNCATE outbox_events"),
        ],
    )
    def test_more_than_migrate_grants_is_refused(
        self,
        worker_number: int,
        worker_app: Flask,
        monkeypatch: pytest.MonkeyPatch,
        excess: str,
        named: str,
    ) -> None:
        with servers.database(f"payment_flow_grants_{worker_number}") as made:
            privileges.require_least(self.settings(monkeypatch, made.app_url))
            engine = create_engine(made.owner_url)
            with engine.begin() as connection:
                role = engine.dialect.identifier_preparer.quote(
                    create_engine(made.app_url).url.username or ""
                )
                connection.execute(text(f"GRANT {excess} TO {role}"))
            engine.dispose()

            with pytest.raises(SettingsError, match=rf"^DATABASE_URL .* the right to {named} in"):
                privileges.require_least(self.settings(monkeypatch, made.app_url))

    def test_what_a_newer_version_grants_on_its_own_columns_is_not_refused(
        self, worker_number: int, worker_app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While processes are replaced, and after a rollback."""
        with servers.database(f"payment_flow_newer_{worker_number}") as made:
            engine = create_engine(made.owner_url)
            with engine.begin() as connection:
                role = engine.dialect.identifier_preparer.quote(
                    create_engine(made.app_url).url.username or ""
                )
                connection.execute(text("ALTER TABLE journal_entries ADD COLUMN newer text"))
                connection.execute(text(f"GRANT UPDATE (newer) ON journal_entries TO {role}"))
            engine.dispose()
            privileges.require_least(self.settings(monkeypatch, made.app_url))
