"""Migrations in both directions, and the privileges of the role of the application."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from app.common import privileges
from app.common.migrate import alembic_config, migrate
from app.common.money import EXPONENTS
from app.common.schema_version import newest_revision
from app.common.settings import Settings
from app.models import Base
from app.wallets.models import TOTALS_MODULUS
from tests import servers

APPEND_ONLY = {
    "journal_entries",
    "wallet_transactions",
    "restocks",
    "transfers",
    "verifications",
    "payees",
}


@pytest.fixture
def empty(worker_number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[servers.TestDatabase]:
    """An empty database, configured in the environment."""
    with servers.database(f"payment_flow_empty_{worker_number}", empty=True) as database:
        monkeypatch.setenv("DATABASE_URL", database.app_url)
        monkeypatch.setenv("MIGRATION_DATABASE_URL", database.owner_url)
        yield database


@pytest.fixture
def migrated(empty: servers.TestDatabase) -> servers.TestDatabase:
    migrate(settings_of(empty))
    return empty


def settings_of(database: servers.TestDatabase) -> Settings:
    return Settings(database_url=database.app_url, migration_database_url=database.owner_url)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def objects(url: str) -> set[str]:
    """All objects of the schema except the table of Alembic."""
    with connected(url) as connection:
        names = connection.scalars(
            text("""
                SELECT relkind::text || ' ' || relname FROM pg_class
                WHERE relnamespace = 'public'::regnamespace
                UNION ALL SELECT 'function ' || proname FROM pg_proc
                WHERE pronamespace = 'public'::regnamespace
                UNION ALL SELECT 'trigger ' || tgname || ' ' || tgrelid::regclass FROM pg_trigger
                WHERE NOT tgisinternal
                UNION ALL SELECT 'type ' || typname FROM pg_type
                WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
            """)
        ).all()
    return {name for name in names if "alembic_version" not in name}


def test_the_migrations_create_the_tables_of_the_models(migrated: servers.TestDatabase) -> None:
    command.check(alembic_config())
    with connected(migrated.owner_url) as connection:
        assert set(inspect(connection).get_table_names()) == {
            *Base.metadata.tables,
            "alembic_version",
        }


def test_the_newest_migration_is_the_one_with_the_latest_date() -> None:
    heads = ScriptDirectory.from_config(alembic_config()).get_heads()
    assert heads == [newest_revision()]


def test_every_migration_can_be_reverted_and_applied_again(
    empty: servers.TestDatabase,
) -> None:
    assert objects(empty.owner_url) == set()
    command.upgrade(alembic_config(), "head")
    first = objects(empty.owner_url)
    assert {"r wallets", "function refuse_change"} <= first
    command.downgrade(alembic_config(), "base")
    assert objects(empty.owner_url) == set()
    command.upgrade(alembic_config(), "head")
    assert objects(empty.owner_url) == first


#: One inbound event of each status and provider, with the original names of the columns.
EVENTS = """
    INSERT INTO bank_events (id, provider, event_id, type, reference, amount, currency, user_id,
        bank_reference, reason, body, status, attempts, next_attempt_at, last_error, received_at,
        processed_at)
    SELECT gen_random_uuid(), provider, 'evt_' || status, 'payment.succeeded', 'token-' || status,
        2500, 'USD', NULL, 'UTR-1', NULL, '{}', status, attempts, now(),
        CASE status WHEN 'PROCESSED' THEN NULL ELSE 'why' END, now(),
        CASE status WHEN 'RECEIVED' THEN NULL ELSE now() END
    FROM (VALUES ('RECEIVED', 3), ('PROCESSED', 0), ('QUARANTINED', 1)) AS s (status, attempts)
    CROSS JOIN (VALUES ('HDFC'), ('STRIPE')) AS p (provider)
"""


def rows(url: str, table: str) -> list[tuple[object, ...]]:
    with connected(url) as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))]


def check_trigger(url: str, table: str) -> None:
    """Check that the trigger protects handled events."""
    change = text(f"UPDATE {table} SET body = 'other' WHERE status = 'PROCESSED'")
    refusal = pytest.raises(DBAPIError, match=f"{table} .* has been handled")
    with connected(url) as connection, refusal:
        connection.execute(change)


def test_inbound_events_survive_renaming_their_table_in_both_directions(
    empty: servers.TestDatabase,
) -> None:
    url = empty.owner_url
    command.upgrade(alembic_config(), "0018_index_sales")
    with connected(url) as connection:
        connection.execute(text(EVENTS))
        connection.commit()
    before = rows(url, "bank_events")
    assert len(before) == 6

    command.upgrade(alembic_config(), "0019_inbound_events")
    assert rows(url, "inbound_events") == before
    check_trigger(url, "inbound_events")
    assert not {name for name in objects(url) if "bank_event" in name}

    command.downgrade(alembic_config(), "0018_index_sales")
    assert rows(url, "bank_events") == before
    check_trigger(url, "bank_events")
    assert not {name for name in objects(url) if "inbound_event" in name}

    migrate(settings_of(empty))
    assert rows(empty.app_url, "inbound_events") == before


def test_dismissed_events_are_quarantined_for_the_version_before(
    empty: servers.TestDatabase,
) -> None:
    url = empty.owner_url
    command.upgrade(alembic_config(), "0018_index_sales")
    with connected(url) as connection:
        connection.execute(text(EVENTS))
        connection.commit()
    command.upgrade(alembic_config(), "0045_admin_lists")
    before = rows(url, "inbound_events")
    check_trigger(url, "inbound_events")
    dismissal = text("UPDATE inbound_events SET status = 'DISMISSED' WHERE status = :status")
    with connected(url) as connection:
        with pytest.raises(DBAPIError, match="has been handled"):
            connection.execute(dismissal, {"status": "PROCESSED"})
        connection.rollback()
        assert connection.execute(dismissal, {"status": "QUARANTINED"}).rowcount == 2
        connection.commit()
    assert rows(url, "inbound_events") != before

    command.downgrade(alembic_config(), "0041_order_numbers")
    assert rows(url, "inbound_events") == before
    check_trigger(url, "inbound_events")


#: An API key of each list of scopes, by name.
KEYS = """
    WITH owner AS (
        INSERT INTO users (id, email, email_key, password_hash, role, email_public, is_active,
            created_at, updated_at)
        VALUES (gen_random_uuid(), 'a@b.c', 'a@b.c', 'x', 'MERCHANT', false, true, now(), now())
        RETURNING id
    ), sessions AS (
        INSERT INTO login_sessions (id, kind, user_id, created_at, last_used_at, expires_at)
        SELECT gen_random_uuid(), 'API_KEY', owner.id, now(), now(), 'infinity'
        FROM owner, generate_series(1, 4)
        RETURNING id, user_id
    ), keys AS (
        SELECT *, row_number() OVER () AS number FROM sessions
    )
    INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes, created_at)
    SELECT id, user_id, name, 'pf_test_', sha256(name::bytea), scopes, now()
    FROM keys JOIN (VALUES
        (1, 'reader', ARRAY['products:read', 'orders:read']),
        (2, 'writer', ARRAY['products:write']),
        (3, 'both', ARRAY['products:read', 'products:write']),
        (4, 'neither', ARRAY['orders:read'])
    ) AS given (number, name, scopes) USING (number)
"""


def scopes(url: str) -> dict[str, list[str]]:
    with connected(url) as connection:
        return {row.name: row.scopes for row in connection.execute(text("SELECT * FROM api_keys"))}


def test_keys_keep_what_they_could_do_with_coupons(empty: servers.TestDatabase) -> None:
    url = empty.owner_url
    command.upgrade(alembic_config(), "0027_password_costs")
    with connected(url) as connection:
        connection.execute(text(KEYS))
        connection.commit()
    before = scopes(url)

    command.upgrade(alembic_config(), "0028_coupon_scopes")
    assert scopes(url) == {
        "reader": ["products:read", "orders:read", "coupons:read"],
        "writer": ["products:write", "coupons:write"],
        "both": ["products:read", "products:write", "coupons:read", "coupons:write"],
        "neither": ["orders:read"],
    }
    refusal = pytest.raises(DBAPIError, match="api_keys is append-only")
    with connected(url) as connection, refusal:
        connection.execute(text("UPDATE api_keys SET scopes = '{payouts:write}'"))

    command.downgrade(alembic_config(), "0027_password_costs")
    assert scopes(url) == before


#: Six postings of 2⁶² minor units: deposits, each followed by its withdrawal.
HISTORY = """
    CREATE TEMP TABLE moves AS
    SELECT gen_random_uuid() AS entry, gen_random_uuid() AS wallet, n, n % 2 = 1 AS is_deposit,
        now() + n * interval '1 second' AS time, 4611686018427387904 AS amount
    FROM generate_series(1, 6) n;

    UPDATE moves SET wallet = (SELECT wallet FROM moves WHERE n = 1);

    WITH owner AS (
        INSERT INTO users (id, email, email_key, password_hash, role, email_public, is_active,
            created_at, updated_at)
        VALUES (gen_random_uuid(), 'a@b.c', 'a@b.c', 'x', 'USER', false, true, now(), now())
        RETURNING id
    )
    INSERT INTO wallets (id, kind, user_id, currency, sequence, created_at, updated_at)
    SELECT wallet, 'USER', owner.id, 'USD', 6, now(), time FROM moves, owner WHERE n = 6;

    INSERT INTO journal_entries (id, kind, created_at)
    SELECT entry, CASE WHEN is_deposit THEN 'DEPOSIT' ELSE 'WITHDRAWAL' END, time FROM moves;

    INSERT INTO wallet_transactions (id, journal_entry_id, wallet_id, sequence, type, status,
        amount, balance_before, balance_after, currency, created_at)
    SELECT gen_random_uuid(), j.id, moves.wallet, n, j.kind, 'COMPLETED',
        CASE WHEN is_deposit THEN amount ELSE -amount END,
        CASE WHEN is_deposit THEN 0 ELSE amount END, CASE WHEN is_deposit THEN amount ELSE 0 END,
        'USD', time
    FROM moves JOIN journal_entries j ON j.id = entry
    UNION ALL
    SELECT gen_random_uuid(), j.id, bank.id, NULL, j.kind, 'COMPLETED',
        CASE WHEN is_deposit THEN -amount ELSE amount END, NULL, NULL, 'USD', time
    FROM moves JOIN journal_entries j ON j.id = entry
    JOIN wallets bank ON bank.code = 'BANK' AND bank.currency = 'USD'
"""


def test_the_totals_of_old_postings_are_computed(empty: servers.TestDatabase) -> None:
    """They start again at zero instead of exceeding 64 bits, as those of new postings do."""
    url = empty.owner_url
    command.upgrade(alembic_config(), "0025_unanswered_keys")
    with connected(url) as connection:
        for statement in HISTORY.split(";"):
            connection.execute(text(statement))
        connection.commit()

    migrate(settings_of(empty))

    expected = [(total % TOTALS_MODULUS,) * 2 for total in (2**62, 2**63, 3 * 2**62)]
    with connected(url) as connection:
        for kind in ("DEPOSIT", "WITHDRAWAL"):
            totals = connection.execute(
                text("""
                    SELECT type_total, uncoded_total FROM wallet_transactions
                    WHERE type = :kind AND sequence IS NOT NULL ORDER BY sequence
                """),
                {"kind": kind},
            )
            assert [tuple(row) for row in totals] == expected
        (last,) = connection.scalars(text("SELECT totals FROM wallets WHERE kind = 'USER'"))
        assert last == {"DEPOSIT": [2**62] * 2, "WITHDRAWAL": [2**62] * 2}


def test_migrating_again_has_no_effect(migrated: servers.TestDatabase) -> None:
    before, granted = objects(migrated.owner_url), grants(migrated)
    migrate(settings_of(migrated))
    assert (objects(migrated.owner_url), grants(migrated)) == (before, granted)


def grants(database: servers.TestDatabase) -> dict[str, privileges.Privileges]:
    """The privileges of the role of the application on each table, however granted."""
    with connected(database.app_url) as connection:
        on_tables = connection.execute(
            text("""
                SELECT tablename, privilege FROM pg_tables CROSS JOIN unnest(ARRAY[
                    'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'
                ]) AS privilege
                WHERE schemaname = 'public'
                    AND has_table_privilege(quote_ident(tablename), privilege)
            """)
        ).all()
        on_columns = connection.execute(
            text("""
                SELECT attrelid::regclass::text, attname FROM pg_attribute
                WHERE attrelid IN (
                        SELECT oid FROM pg_class
                        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                    )
                    AND attnum > 0 AND NOT attisdropped
                    AND has_column_privilege(attrelid, attnum, 'UPDATE')
            """)
        ).all()
    return {
        table: privileges.Privileges(
            tuple(sorted(name for of, name in on_tables if of == table)),
            tuple(sorted(name for of, name in on_columns if of == table)),
        )
        for table in {table for table, _ in on_tables}
    }


def test_the_application_has_exactly_the_required_privileges(
    migrated: servers.TestDatabase,
) -> None:
    expected = {
        table: privileges.Privileges(tuple(sorted(one.on_table)), tuple(sorted(one.updated)))
        for table, one in privileges.allowed().items()
    }
    assert grants(migrated) == expected
    assert not any("UPDATE" in granted.on_table for granted in expected.values())


def test_append_only_tables_are_never_changed() -> None:
    for table in APPEND_ONLY:
        assert privileges.allowed()[table] == privileges.Privileges(("SELECT", "INSERT"))


def test_the_role_of_the_application_is_unprivileged(migrated: servers.TestDatabase) -> None:
    with connected(migrated.app_url) as connection:
        role = connection.execute(
            text("""
                SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication,
                    has_schema_privilege('public', 'CREATE'),
                    has_database_privilege(current_database(), 'CREATE'),
                    pg_has_role(current_user, :owner, 'MEMBER')
                FROM pg_roles WHERE rolname = current_user
            """),
            {"owner": make_url(migrated.owner_url).username},
        ).one()
    assert not any(role)


def test_every_currency_has_limits_for_all_kinds_of_movements(
    migrated: servers.TestDatabase,
) -> None:
    with connected(migrated.app_url) as connection:
        found = connection.execute(
            text("""
                SELECT currency, count(*) FROM wallet_limits
                WHERE role IS NOT NULL GROUP BY currency
            """)
        )
        roles, kinds, windows = 3, 7, 2
        assert dict(map(tuple, found)) == dict.fromkeys(EXPONENTS, roles * kinds * windows)
