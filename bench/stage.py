"""The stage of a benchmark: durable servers, a shop with people in it, and the web server."""

import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import jwt
import psutil
import psycopg
from uuid_utils.compat import uuid7

from app.common.embedded import PostgresServer, RedisServer
from app.common.processes import free_port
from app.common.settings import PROJECT_ROOT

#: Nobody fakes durability here: every commit waits for the disk.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

_SECRET = secrets.token_urlsafe(48)

# Everybody's money comes from the bank, so that `verify` holds afterwards.
_PREPARE = """
    INSERT INTO users (id, email, email_key, password_hash, role, email_public, is_active,
                       created_at, updated_at)
    SELECT id, email, email, %(hash)s, role, false, true, now(), now()
    FROM unnest(%(ids)s::uuid[], %(emails)s::text[], %(roles)s::text[]) AS u (id, email, role);

    INSERT INTO wallets (id, kind, user_id, currency, balance, sequence, created_at, updated_at)
    SELECT uuidv7(), 'USER', id, 'USD', 0, 0, now(), now() FROM users;

    INSERT INTO login_sessions (id, user_id, created_at, last_used_at, expires_at)
    SELECT session_id, user_id, now(), now(), now() + interval '7 days'
    FROM unnest(%(sessions)s::uuid[], %(ids)s::uuid[]) AS s (session_id, user_id);
"""


@dataclass(frozen=True)
class Person:
    id: UUID
    session_id: UUID
    email: str
    token: str


@dataclass
class Stage:
    """A running server with `buyers` who have money and `merchants` with a product each."""

    postgres: PostgresServer
    environment: dict[str, str]
    port: int
    web: psutil.Process
    buyers: list[Person] = field(default_factory=list)
    merchants: list[Person] = field(default_factory=list)

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run as superuser; triggers and constraints hold all the same."""
        url = self.postgres.superuser_url.rpartition("/")[0] + "/payment_flow"
        with psycopg.ClientCursor(psycopg.connect(url, autocommit=True)) as cursor:
            cursor.execute(statement, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def processes(self) -> dict[str, list[psutil.Process]]:
        database = psutil.Process(self.postgres.pid)
        return {
            "web": self.web.children(recursive=True),
            "database": [database, *database.children()],
        }

    def populate(self, *, buyers: int, merchants: int) -> None:
        people = [_person(f"buyer-{n}", "USER") for n in range(buyers)]
        sellers = [_person(f"merchant-{n}", "MERCHANT") for n in range(merchants)]
        everybody = people + sellers
        self.sql(
            _PREPARE,
            hash="$2b$04$" + "x" * 53,
            ids=[p.id for p in everybody],
            emails=[p.email for p in everybody],
            roles=["USER"] * buyers + ["MERCHANT"] * merchants,
            sessions=[p.session_id for p in everybody],
        )
        self.buyers, self.merchants = people, sellers
        self.fund(people, 10**10)

    def fund(self, people: list[Person], cents: int) -> None:
        """Give each `cents`, from the bank, as ledger entries."""
        self.sql(
            """
            CREATE TEMP TABLE gift AS
            SELECT uuidv7() AS entry, w.id AS wallet, w.balance, w.sequence
            FROM wallets w WHERE user_id = ANY(%(ids)s::uuid[]);
            INSERT INTO journal_entries (id, kind, created_at)
                SELECT entry, 'DEPOSIT', now() - interval '31 days' FROM gift;
            INSERT INTO wallet_transactions (id, journal_entry_id, wallet_id, sequence, type,
                    status, amount, balance_before, balance_after, currency, created_at)
                SELECT uuidv7(), entry, wallet, sequence + 1, 'DEPOSIT', 'COMPLETED', %(cents)s,
                    balance, balance + %(cents)s, 'USD', now() - interval '31 days' FROM gift
                UNION ALL
                SELECT uuidv7(), entry, (SELECT id FROM wallets WHERE code = 'BANK'
                    AND currency = 'USD'), NULL, 'DEPOSIT', 'COMPLETED', -%(cents)s, NULL, NULL,
                    'USD', now() - interval '31 days' FROM gift;
            UPDATE wallets w SET balance = w.balance + %(cents)s, sequence = w.sequence + 1
                FROM gift WHERE w.id = gift.wallet;
            INSERT INTO outbox_events (id, type, aggregate_type, aggregate_id, data, occurred_at)
                SELECT uuidv7(), 'balance-updated', 'wallet', t.wallet_id,
                    jsonb_build_object('transactionId', t.id::text), now()
                FROM wallet_transactions t JOIN gift ON gift.entry = t.journal_entry_id
                WHERE t.sequence IS NOT NULL;
            DROP TABLE gift;
            """,
            ids=[p.id for p in people],
            cents=cents,
        )

    def product(self, merchant: Person, *, units: int) -> UUID:
        product_id: UUID = uuid7()
        self.sql(
            """
            INSERT INTO products (id, merchant_id, name, price, currency, available_units,
                initial_units, is_active, created_at, updated_at)
            VALUES (%(id)s, %(merchant)s, 'Benchmark', 100, 'USD', %(units)s, %(units)s, true,
                now(), now())
            """,
            id=product_id,
            merchant=merchant.id,
            units=units,
        )
        return product_id


def _person(name: str, role: str) -> Person:
    user_id, session_id = uuid7(), uuid7()
    email = f"{name}@bench.example.com"
    now = datetime.now(UTC)
    claims = {
        "sub": str(user_id),
        "sid": str(session_id),
        "role": role,
        "email": email,
        "type": "access",
        "fresh": False,
        "jti": str(uuid7()),
        "iat": now,
        "nbf": now,
        "exp": now + timedelta(days=7),
    }
    return Person(user_id, session_id, email, jwt.encode(claims, _SECRET, "HS256"))


@contextmanager
def stage(*, workers: int) -> Iterator[Stage]:
    """Start everything; it is gone when the block ends."""
    with ExitStack() as cleanup:
        folder = Path(mkdtemp(prefix="payment-flow-bench-"))
        cleanup.callback(subprocess.run, ["rm", "-rf", folder], check=False)
        folder.chmod(0o755)  # as root, PostgreSQL runs as somebody else and has to get in
        postgres = PostgresServer.start(folder, settings=DURABLE | {"max_connections": "200"})
        cleanup.callback(postgres.stop)
        redis = RedisServer.start(folder)
        cleanup.callback(redis.stop)
        port = free_port()
        environment = os.environ | {
            "APP_ENV": "production",
            "DATABASE_URL": postgres.app_url,
            "MIGRATION_DATABASE_URL": postgres.owner_url,
            "REDIS_URL": redis.url,
            "JWT_ACCESS_SECRET": _SECRET,
            "JWT_REFRESH_SECRET": secrets.token_urlsafe(48),
            "DATA_DIR": str(folder),
            "PORT": str(port),
            "WEB_WORKERS": str(workers),
            "RATELIMIT_ENABLED": "false",
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        command = [sys.executable, "-m", "app.cli"]
        subprocess.run([*command, "migrate"], env=environment, check=True)  # noqa: S603
        with (folder / "web.log").open("w") as log:
            web = subprocess.Popen(  # noqa: S603
                [*command, "serve"], env=environment, stdout=log, stderr=log
            )
        cleanup.callback(web.wait, 30)
        cleanup.callback(web.terminate)
        made = Stage(postgres, environment, port, psutil.Process(web.pid))
        _wait(port)
        yield made


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready").read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("The web server did not start.")
