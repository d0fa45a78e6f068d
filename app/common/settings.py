"""Settings: read once at start from the environment (or `.env`) into one typed object."""

import os
import re
import secrets
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[2]

_DURATION = re.compile(r"(\d+)\s*([smhd]?)")
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class SettingsError(Exception):
    """The configuration cannot be used; the message is one sentence for the operator."""


def _duration(value: object) -> object:
    """`15m`, `7d`, `900` (seconds): the notation of the original service's JWT settings."""
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    return value


def _prefix(value: object) -> object:
    return "/" + value.strip("/") if isinstance(value, str) else value


def _comma_list(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def _blank_is_unset(value: object) -> object:
    return None if value == "" else value


def _database_url(value: object) -> object:
    """SQLAlchemy's dialect name, and `?schema=` (a Prisma convention) as a search path."""
    if not isinstance(value, str) or not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise ValueError("must start with postgresql://")
    query = dict(parse_qsl(parts.query))
    for prisma_only in ("connection_limit", "pool_timeout", "pgbouncer"):
        query.pop(prisma_only, None)
    if (schema := query.pop("schema", "public")) != "public":
        query["options"] = f"-csearch_path={schema}"
    return urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, urlencode(query), ""))


Duration = Annotated[timedelta, BeforeValidator(_duration)]
OptionalText = Annotated[str | None, BeforeValidator(_blank_is_unset)]
DatabaseUrl = Annotated[str | None, BeforeValidator(_database_url)]


class Settings(BaseSettings):
    """Every knob of the application; `.env.example` says what each is for."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    app_env: Literal["development", "production", "test"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(3000, ge=1, le=65535)
    api_prefix: Annotated[str, BeforeValidator(_prefix)] = "/api/v1"
    data_dir: Annotated[Path | None, BeforeValidator(_blank_is_unset)] = None
    trusted_proxies: int = Field(0, ge=0)

    database_url: DatabaseUrl = None
    migration_database_url: DatabaseUrl = None
    database_pool_size: int = Field(16, ge=1)
    redis_url: OptionalText = None
    redis_host: OptionalText = None
    redis_port: int = 6379

    jwt_access_secret: OptionalText = None
    jwt_refresh_secret: OptionalText = None
    jwt_access_expiration: Duration = timedelta(minutes=15)
    jwt_refresh_expiration: Duration = timedelta(days=7)
    bcrypt_rounds: int = Field(12, ge=4, le=16)

    default_currency: str = "USD"
    minimum_withdrawal: Decimal = Decimal("1.00")
    maximum_deposit: Decimal = Decimal("10000.00")
    direct_deposits: bool | None = None
    platform_fee_bps: int = Field(0, ge=0, le=10_000)

    web_workers: int | None = Field(None, ge=1)
    web_threads: int = Field(64, ge=1)
    ratelimit_enabled: bool = True
    log_level: Annotated[str, BeforeValidator(lambda v: v.lower() if isinstance(v, str) else v)] = (
        "info"
    )
    cors_origins: Annotated[list[str], NoDecode, BeforeValidator(_comma_list)] = []

    @model_validator(mode="before")
    @classmethod
    def _redis_from_host(cls, data: Any) -> Any:
        """REDIS_HOST and REDIS_PORT are what the original service is configured with."""
        if isinstance(data, dict) and not data.get("redis_url") and data.get("redis_host"):
            data["redis_url"] = f"redis://{data['redis_host']}:{data.get('redis_port') or 6379}/0"
        return data

    @model_validator(mode="after")
    def _production_is_explicit(self) -> "Settings":
        if self.app_env != "production":
            return self
        if self.direct_deposits:
            raise ValueError("DIRECT_DEPOSITS must be off in production: money comes from the bank")
        for name in ("jwt_access_secret", "jwt_refresh_secret"):
            if len(getattr(self, name) or "") < 32:
                raise ValueError(
                    f"{name.upper()} must be set in production (32 characters or more)"
                )
        if self.jwt_access_secret == self.jwt_refresh_secret:
            raise ValueError("JWT_ACCESS_SECRET and JWT_REFRESH_SECRET must differ")
        return self

    @property
    def is_production(self) -> bool:
        return self.app_env == "production"

    @property
    def direct_deposits_allowed(self) -> bool:
        return self.direct_deposits if self.direct_deposits is not None else not self.is_production

    @cached_property
    def access_secret(self) -> str:
        return self.jwt_access_secret or self._development_secret("jwt-access-secret")

    @cached_property
    def refresh_secret(self) -> str:
        return self.jwt_refresh_secret or self._development_secret("jwt-refresh-secret")

    def _development_secret(self, name: str) -> str:
        """A random secret, made once and kept in the data folder so that restarts keep sessions."""
        folder = self.data_dir or PROJECT_ROOT / ".data"
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with open(path, "x", opener=_private) as file:
                file.write(secrets.token_urlsafe(48))
        except FileExistsError:
            pass
        except OSError as error:
            raise SettingsError(f"Cannot keep a secret in {folder}: {error.strerror}.") from error
        # Two processes may start at once; the one that lost the race reads what the other wrote.
        return path.read_text() or self._development_secret(name)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError naming each bad variable."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])).upper() or 'configuration'}: "
            f"{e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise SettingsError(f"Bad configuration: {problems}.") from None
