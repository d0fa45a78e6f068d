"""Numbering the orders that are older than the numbers."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app.common.migrate import alembic_config
from app.orders.numbers import parse_number
from tests import servers
from tests.test_migrations import connected

AFTER = "0041_order_numbers"
BEFORE = str(ScriptDirectory.from_config(alembic_config()).get_revision(AFTER).down_revision)

#: Statements of the code before the numbers.
PEOPLE = """
    WITH people AS (
        INSERT INTO users (id, email, email_key, password_hash, role, email_public, is_active,
            created_at, updated_at)
        SELECT gen_random_uuid(), role, role, 'x', role, false, true, now(), now()
        FROM unnest(ARRAY['USER', 'MERCHANT']) AS role
        RETURNING id, role
    )
    INSERT INTO products (id, merchant_id, name, price, currency, available_units, initial_units,
        is_active, created_at, updated_at)
    SELECT gen_random_uuid(), id, 'Guide', 1000, 'USD', 0, 0, true, now(), now()
    FROM people WHERE role = 'MERCHANT'
"""
ORDERS = """
    INSERT INTO orders (id, user_id, merchant_id, product_id, payment_method, status, quantity,
        unit_price, amount, fee, currency, completed_at, created_at, updated_at)
    SELECT gen_random_uuid(), u.id, p.merchant_id, p.id, 'WALLET', 'COMPLETED', 1, 1000, 1000, 25,
        'USD', now(), now(), now()
    FROM users u, products p, generate_series(1, 2100) WHERE u.role = 'USER'
"""
#: The first of two attempts had added the column and numbered some orders.
INTERRUPTED = f"""
    ALTER TABLE orders DROP CONSTRAINT uq_orders_number, ALTER number DROP NOT NULL;
    UPDATE orders SET number = NULL WHERE id > '80000000-0000-0000-0000-000000000000';
    UPDATE alembic_version SET version_num = '{BEFORE}';
"""


@pytest.fixture
def url(worker_number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of the version before, with orders."""
    name = f"payment_flow_numbers_{worker_number}"
    with servers.database(name, empty=True) as database:
        monkeypatch.setenv("DATABASE_URL", database.app_url)
        monkeypatch.setenv("MIGRATION_DATABASE_URL", database.owner_url)
        command.upgrade(alembic_config(), BEFORE)
        execute(database.owner_url, PEOPLE, ORDERS)
        yield database.owner_url


def execute(url: str, *statements: str) -> None:
    with connected(url) as connection:
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


def numbers(url: str) -> dict[str, str]:
    with connected(url) as connection:
        return {row.id: row.number for row in connection.execute(text("SELECT * FROM orders"))}


def test_old_orders_are_numbered_and_old_code_goes_on(url: str) -> None:
    command.upgrade(alembic_config(), AFTER)
    old = numbers(url)
    execute(url, ORDERS)
    both = numbers(url)

    assert (len(old), len(both)) == (2100, 4200)
    assert len(set(both.values())) == 4200
    assert all(parse_number(number) == number for number in both.values())
    assert old.items() <= both.items()


def test_an_interrupted_migration_continues(url: str) -> None:
    command.upgrade(alembic_config(), AFTER)
    first = numbers(url)
    execute(url, *filter(str.strip, INTERRUPTED.split(";")))

    command.upgrade(alembic_config(), AFTER)

    found = numbers(url)
    assert len(set(found.values())) == 2100
    kept = {order_id for order_id in first if str(order_id) < "8"}
    assert 0 < len(kept) < 2100
    assert all(found[each] == first[each] for each in kept)
