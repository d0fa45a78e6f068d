"""The settings of the process and of its servers, PostgreSQL and Redis."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import marshmallow as ma
from marshmallow.validate import OneOf, Range

from app.common.env_fields import (
    DatabaseUrl,
    Duration,
    Folder,
    Prefix,
    PublicUrl,
    RedisUrl,
    optional_setting,
    setting,
)

_TEXT: Final = ma.fields.String()
_PORT: Final = ma.fields.Integer(validate=Range(1, 65535))
_COUNT: Final = ma.fields.Integer(validate=Range(1))


@dataclass(frozen=True)
class ServerSettings:
    """The settings that come first."""

    app_env: str = setting(
        ma.fields.String(validate=OneOf(["development", "production", "test"])),
        "development",
        "`development`, `production` or `test`. `production` refuses missing, short, equal"
        " or patterned secrets, direct deposits, test keys of Stripe, demo data, disabled rate"
        " limits, cheap password hashes, plain http, a missing `PUBLIC_URL`, very long or short"
        " lifetimes, and a database role with more privileges than `migrate` grants.",
        section="General",
    )
    host: str = setting(_TEXT, "127.0.0.1", "Address to listen on; `0.0.0.0` for all.")
    port: int = setting(_PORT, "3000", "Port to listen on.")
    public_url: str | None = optional_setting(
        PublicUrl(),
        "Public address of the application; links and QR codes start with it. Printed codes"
        " survive a change only if the old address still leads to the application. Required in"
        " production, with https.",
        unset="`http://localhost` and the port, or `HOST` if it names an address",
    )
    api_prefix: str = setting(Prefix(), "/api/v1", "Path prefix of the API.")
    data_dir: Path | None = optional_setting(
        Folder(),
        "Folder of the embedded servers, logs and development secrets.",
        unset="`.data` in the project; for an installed package `~/.local/share/payment-flow`; for"
        " root, a folder below `/var/lib/payment-flow`",
    )
    trusted_proxies: int = setting(
        ma.fields.Integer(validate=Range(0)),
        "0",
        "Number of reverse proxies in front of the application whose `X-Forwarded-For` and"
        " `X-Forwarded-Proto` headers are trusted.",
    )

    database_url: str | None = optional_setting(
        DatabaseUrl(),
        "PostgreSQL, as the application's role: `postgresql://role:password@host:5432/name`."
        " Several hosts are separated by commas (`host-1:5432,host-2:5432`), and the primary among"
        " them is used. `?schema=` selects a schema.",
        unset="none; `./flow up` starts its own server",
        section="Database and Redis",
        secret=True,
    )
    migration_database_url: str | None = optional_setting(
        DatabaseUrl(),
        "PostgreSQL, as the role that owns the tables. Only `migrate`, `create-admin` and `demo`"
        " use it.",
        unset="`DATABASE_URL`",
        secret=True,
    )
    direct_database_url: str | None = optional_setting(
        DatabaseUrl(),
        "PostgreSQL as `DATABASE_URL`, without a transaction pooler in between. The relay waits"
        " there for new events with LISTEN (otherwise they are delivered up to a second later), and"
        " `verify` reads there.",
        unset="`DATABASE_URL`",
        secret=True,
    )
    replica_database_url: str | None = optional_setting(
        DatabaseUrl(),
        "A replica of PostgreSQL, or a load balancer before several, as the application's role and"
        " without a pooler. Lists, searches, histories and reports are read there.",
        unset="none; the primary answers everything",
        secret=True,
    )
    replica_max_lag: timedelta = setting(
        Duration(),
        "5s",
        "How old what a replica answers may be. Callers read their own changes at once in any"
        " case. While the replica is further behind, the primary answers.",
    )
    database_pool_size: int = setting(
        _COUNT,
        "8",
        "Maximum number of connections per web process. More connections slow PostgreSQL down"
        " rather than speed it up.",
    )
    database_prepare_threshold: int = setting(
        ma.fields.Integer(validate=Range(0)),
        "5",
        "How often a connection executes a statement before it prepares it; 0 never prepares, as"
        " required by a transaction pooler that does not track prepared statements (PgBouncer"
        " before 1.21).",
    )
    redis_url: str | None = optional_setting(
        RedisUrl(),
        "Redis: `redis://user:password@host:6379/0`, as the user of the job queue; or through"
        " Sentinels: `redis+sentinel://user:password@host-1:26379,host-2:26379/name/0`, with the"
        " name that they know the Redis by. The older names"
        " `REDIS_HOST` and `REDIS_PORT` (6379) are accepted instead, for a Redis without a"
        " password.",
        unset="none; `./flow up` starts its own server",
        secret=True,
    )
    redis_cache_url: str | None = optional_setting(
        RedisUrl(),
        "Redis, as the user of the cache and the circuit breakers.",
        unset="`REDIS_URL`",
        secret=True,
    )
    redis_limits_url: str | None = optional_setting(
        RedisUrl(), "Redis, as the user of the rate limits.", unset="`REDIS_URL`", secret=True
    )
