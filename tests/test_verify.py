"""Every invariant finds what breaks it: the books are corrupted on purpose, one way at a time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import sessionmaker

from app.auth import service as auth
from app.common import db
from app.common.settings import PROJECT_ROOT, Settings
from app.models import Base
from app.orders import service as orders
from app.orders.checkout import Purchase
from app.verify import INVARIANTS
from tests import factories, servers
from tests.crowd import broken

#: Invariant → what makes it untrue. {buyer} is the buyer's id.
CORRUPTIONS = {
    "Every journal entry sums to zero per currency": """
        WITH two AS (SELECT id, row_number() OVER () AS n FROM wallet_transactions
                     WHERE sequence IS NULL LIMIT 2)
        UPDATE wallet_transactions t SET amount = amount + (CASE two.n WHEN 1 THEN 1 ELSE -1 END)
        FROM two WHERE two.id = t.id
    """,
    "All postings together sum to zero per currency": """
        UPDATE wallet_transactions SET amount = amount + 1
        WHERE id = (SELECT id FROM wallet_transactions WHERE sequence IS NULL LIMIT 1)
    """,
    "A wallet's balance is the sum of its postings": """
        UPDATE wallets SET balance = balance + 1 WHERE user_id = '{buyer}'
    """,
    "Each posting starts where the one before it ended": """
        UPDATE wallet_transactions
        SET balance_before = balance_before + 1, balance_after = balance_after + 1
        WHERE sequence = 2
    """,
    "Sequences are gapless and end at the wallet's": """
        UPDATE wallet_transactions SET sequence = sequence + 1
        WHERE sequence = (SELECT sequence FROM wallets WHERE user_id = '{buyer}')
            AND wallet_id = (SELECT id FROM wallets WHERE user_id = '{buyer}')
    """,
    "Postings are in the currency of their wallet": """
        UPDATE wallet_transactions SET currency = 'EUR'
    """,
    "No user's wallet is below zero; held is between 0 and balance": """
        UPDATE wallets SET held = balance + 1 WHERE user_id = '{buyer}'
    """,
    "Every user has a wallet": """
        INSERT INTO users
            (id, email, email_key, password_hash, role, email_public, is_active,
             created_at, updated_at)
        VALUES (gen_random_uuid(), 'a@b.test', 'a@b.test', '', 'USER', false, true, now(), now())
    """,
    "Stock: initial + restocked = available + sold, never negative": """
        UPDATE products SET available_units = available_units + 1
    """,
    "A completed order has exactly its postings: buyer debit, merchant credit, fee": """
        UPDATE orders SET fee = fee + 1
    """,
    "No other order has postings, and no posting names an order that is not there": """
        UPDATE orders SET status = 'CANCELLED', completed_at = NULL
    """,
    "An order's fee and quantity add up": """
        UPDATE orders SET unit_price = unit_price + 1
    """,
    "An idempotency key has at most one effect": """
        UPDATE journal_entries SET idempotency_key = 'again' WHERE initiator_id = '{buyer}'
    """,
    "A remembered success exists; a remembered refusal moved nothing": """
        UPDATE idempotency_keys SET status = 400 WHERE status < 300
    """,
    "Every entry has at least two postings": """
        INSERT INTO journal_entries (id, kind, created_at)
        VALUES (gen_random_uuid(), 'NOTHING', now())
    """,
    "Every debit has its order or withdrawal": """
        UPDATE wallet_transactions SET reference_type = NULL WHERE type = 'PAYMENT'
    """,
    "Sums per user and window never exceed the limits in force": """
        INSERT INTO wallet_limits (id, user_id, type, "window", currency, amount, updated_at)
        VALUES (gen_random_uuid(), '{buyer}', 'DEPOSIT', 'DAY', 'USD', 1, '2000-01-01')
    """,
    "Every money operation has its outbox row": """
        DELETE FROM outbox_events WHERE type = 'balance-updated'
    """,
    "An order's times fit its status": """
        UPDATE orders SET completed_at = NULL
    """,
    "At most one live refresh token per session": """
        UPDATE refresh_tokens SET used_at = NULL
    """,
}


@pytest.fixture(scope="module")
def books(worker_app: Flask, worker_number: int) -> Iterator[tuple[servers.TestDatabase, str]]:
    """A database in which something of every kind has happened, and the buyer's id."""
    with servers.database(f"payment_flow_books_{worker_number}") as made:
        with _working_on(db.Database(made.app_url)), worker_app.app_context():
            buyer = _do_business(worker_app)
            assert broken() == []
        yield made, str(buyer.id)


def _do_business(app: Flask) -> factories.Actor:
    client = app.test_client()
    buyer = factories.buyer("100.00")
    product_id = factories.product(factories.merchant(), price="10.00", units=5)
    order = {"productId": str(product_id), "paymentMethod": "WALLET"}
    for path, body in (
        ("wallet/deposit", {"amount": "5.00"}),
        ("wallet/withdraw", {"amount": "1000.00"}),
        ("wallet/withdraw", {"amount": "1.00"}),
        ("orders", order),
    ):
        key = {"Idempotency-Key": f"key of {path} {body.get('amount')}".replace(" ", "-")}
        client.post(f"/api/v1/{path}", json=body, headers=buyer.headers | key)
    with db.transaction(serializable=True) as session:
        user = auth.require_user(session, buyer.id)
        orders.buy(session, Purchase(user, product_id, quantity=2), fee_bps=250)
    credentials = {"email": buyer.email, "password": factories.PASSWORD}
    tokens = client.post("/api/v1/auth/login", json=credentials).json
    client.post("/api/v1/auth/refresh", json={"refreshToken": tokens["refreshToken"]})
    return buyer


@contextmanager
def _working_on(database: db.Database) -> Iterator[None]:
    kept = db.current()
    db.configure(database)
    try:
        yield
    finally:
        db.configure(kept)
        database.dispose()


@contextmanager
def _unguarded(url: str) -> Iterator[Connection]:
    """A connection of the owner, to a database whose triggers and constraints are gone."""
    engine = create_engine(url)
    with engine.connect() as connection:
        for table in Base.metadata.tables:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for table, name in connection.execute(
            text("""
                SELECT conrelid::regclass, conname FROM pg_constraint
                WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u')
            """)
        ).all():
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        for index in ("uq_refresh_tokens_live", "uq_journal_entries_key"):
            connection.execute(text(f"DROP INDEX {index}"))
        yield connection
    engine.dispose()


def _corrupt(connection: Connection, name: str, buyer_id: str) -> None:
    statement = text(CORRUPTIONS[name].replace("{buyer}", buyer_id))
    assert connection.execute(statement).rowcount > 0


def test_every_invariant_has_its_corruption() -> None:
    names = [invariant.name for invariant in INVARIANTS]
    assert sorted(names) == sorted(CORRUPTIONS)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: tuple[servers.TestDatabase, str], name: str) -> None:
    database, buyer_id = books
    with _unguarded(database.owner_url) as connection:
        _corrupt(connection, name, buyer_id)
        looking = db.Database(database.owner_url)
        looking.serializable = sessionmaker(connection, join_transaction_mode="create_savepoint")
        with _working_on(looking):
            found = broken()
    assert name in found


class TestCommand:
    """`payment-flow verify`, as an operator runs it."""

    def test_it_is_content_with_clean_books(
        self, books: tuple[servers.TestDatabase, str], settings: Settings
    ) -> None:
        result = _verify(books[0], settings)
        assert result.returncode == 0, result.stdout + result.stderr
        assert f"All {len(INVARIANTS)} invariants hold." in result.stdout

    def test_it_names_what_is_broken_and_fails(
        self, worker_app: Flask, worker_number: int, settings: Settings
    ) -> None:
        name = "Every user has a wallet"
        with servers.database(f"payment_flow_corrupt_{worker_number}") as made:
            with _unguarded(made.owner_url) as connection:
                _corrupt(connection, name, "nobody")
                connection.commit()
            result = _verify(made, settings)
        assert result.returncode == 1
        assert f"1 of {len(INVARIANTS)} invariants broken." in result.stdout
        assert f"{name}:" in result.stdout


def _verify(
    database: servers.TestDatabase, settings: Settings
) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "DATABASE_URL": database.app_url,
        "REDIS_URL": str(settings.redis_url),
        "DATA_DIR": str(settings.data_dir),
        "COLUMNS": "120",
    }
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "verify"],
        env=environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
