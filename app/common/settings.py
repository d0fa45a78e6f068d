"""Settings: read once at start from the environment (or `.env`) into one typed object."""

import base64
import hmac
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import marshmallow as ma
from dotenv import dotenv_values
from marshmallow.validate import Length, OneOf, Range, Regexp

from app.common.money import EXPONENTS, AmountInvalid, Money

PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]

_DURATION = re.compile(r"(\d+)\s*([smhd]?)")
#: Addresses to listen on that nobody elsewhere can use.
_LOOPBACK: Final = {"127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104 – to recognise, not to bind

_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

#: The banks that sandbox/bank plays, by code.
_SANDBOX_BANKS = {"HDFC": "HDFC Bank", "AXIS": "Axis Bank"}
_LEAST_KEY_BYTES = 32  # RFC 7518, section 3.2: payment requests are signed with HS256.


class SettingsError(Exception):
    """The configuration cannot be used; the message is one sentence for the operator."""


@dataclass(frozen=True)
class BankProvider:
    """A bank that money comes from and goes to.

    keys: each `whsec_` and base64, as Standard Webhooks writes them. The first one signs, all of
    them verify, so that a key can be changed without a pause.
    """

    code: str
    name: str
    url: str
    keys: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """Every knob of the application; `.env.example` says what each is for.

    web_workers, direct_deposits, bank_providers_given: None leaves the choice to the machine and
    to `app_env`.
    """

    app_env: str = "development"
    host: str = "127.0.0.1"
    port: int = 3000
    public_url: str | None = None
    api_prefix: str = "/api/v1"
    data_dir: Path | None = None
    trusted_proxies: int = 0

    database_url: str | None = None
    migration_database_url: str | None = None
    database_pool_size: int = 8
    redis_url: str | None = None

    jwt_access_secret: str | None = field(default=None, repr=False)
    jwt_refresh_secret: str | None = field(default=None, repr=False)
    jwt_access_expiration: timedelta = timedelta(minutes=15)
    jwt_refresh_expiration: timedelta = timedelta(days=7)
    bcrypt_rounds: int = 12
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    phone_auto_registration: bool = False

    default_currency: str = "USD"
    minimum_withdrawal: Decimal = Decimal("1.00")
    maximum_deposit: Decimal = Decimal("10000.00")
    maximum_onramp: Decimal = Decimal("10000.00")
    direct_deposits: bool | None = None
    platform_fee_bps: int = 0
    two_factor_above: Decimal = Decimal("1000.00")

    bank_providers_given: tuple[BankProvider, ...] | None = None
    bank_port: int = 3003

    web_workers: int | None = None
    web_threads: int = 64
    ratelimit_enabled: bool = True
    log_level: str = "info"
    cors_origins: tuple[str, ...] = ()
    metrics_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._require_expressible()
        if self.is_production:
            self._require_production()

    def _require_expressible(self) -> None:
        """Refuse amounts with more decimals than the currency has."""
        for name in ("minimum_withdrawal", "maximum_deposit", "maximum_onramp", "two_factor_above"):
            try:
                Money.of(getattr(self, name), self.default_currency, field=name.upper())
            except AmountInvalid as error:
                ((variable, problems),) = error.details.items()
                raise SettingsError(
                    f"Bad configuration: {variable}: {' '.join(problems)}"
                ) from None

    def _require_production(self) -> None:
        if self.direct_deposits:
            raise SettingsError(
                "DIRECT_DEPOSITS must be off in production: money comes from the bank."
            )
        for name in ("jwt_access_secret", "jwt_refresh_secret"):
            if len(getattr(self, name) or "") < 32:
                raise SettingsError(
                    f"{name.upper()} must be set in production (32 characters or more)."
                )
        if self.jwt_access_secret == self.jwt_refresh_secret:
            raise SettingsError("JWT_ACCESS_SECRET and JWT_REFRESH_SECRET must differ.")
        if not self.encryption_keys or min(map(len, self.encryption_keys)) < 32:
            raise SettingsError(
                "ENCRYPTION_KEYS must be set in production (32 characters or more each)."
            )

    @property
    def is_production(self) -> bool:
        return self.app_env == "production"

    @property
    def public_address(self) -> str:
        """Where people reach us, for links that are handed out; without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        host = "localhost" if self.host in _LOOPBACK else host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def direct_deposits_allowed(self) -> bool:
        return self.direct_deposits if self.direct_deposits is not None else not self.is_production

    @property
    def plays_bank(self) -> bool:
        """Whether the sandbox bank stands in for the real ones."""
        return self.bank_providers_given is None and not self.is_production

    @cached_property
    def access_secret(self) -> str:
        return self.jwt_access_secret or self._development_secret("jwt-access-secret")

    @cached_property
    def refresh_secret(self) -> str:
        return self.jwt_refresh_secret or self._development_secret("jwt-refresh-secret")

    @cached_property
    def sealing_secrets(self) -> tuple[str, ...]:
        """What stored secrets are encrypted with; the first seals, all of them open."""
        return self.encryption_keys or (self._development_secret("encryption-key"),)

    @cached_property
    def bank_providers(self) -> tuple[BankProvider, ...]:
        """The banks there are: those of BANK_PROVIDERS, else the sandbox's, but none in production.

        The sandbox's keys are derived from a secret that is made once and kept in the data folder.
        """
        if not self.plays_bank:
            return self.bank_providers_given or ()
        secret = self._development_secret("bank-secret").encode()
        return tuple(
            BankProvider(
                code=code,
                name=name,
                url=f"http://127.0.0.1:{self.bank_port}/{code.lower()}",
                keys=(_bank_key(hmac.digest(secret, code.encode(), "sha256")),),
            )
            for code, name in _SANDBOX_BANKS.items()
        )

    def _development_secret(self, name: str) -> str:
        """A random secret, made once and kept in the data folder so that restarts keep sessions."""
        folder = self.data_dir or PROJECT_ROOT / ".data"
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with NamedTemporaryFile("w", dir=folder) as draft:  # only its owner may read it
                    draft.write(secrets.token_urlsafe(48))
                    draft.flush()
                    # Two processes may start at once, or one die here: the first whole one counts.
                    with suppress(FileExistsError):
                        os.link(draft.name, path)
            return path.read_text()
        except OSError as error:
            raise SettingsError(f"Cannot keep a secret in {folder}: {error.strerror}.") from error


def _bank_key(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


class _Duration(ma.fields.Field[timedelta]):
    """`15m`, `7d`, `900` (seconds): the notation of the original service's JWT settings."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> timedelta:
        match = _DURATION.fullmatch(value.strip())
        if match is None or int(match[1]) == 0:
            raise ma.ValidationError("must be a duration such as 15m, 12h or 7d")
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


class _Prefix(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return f"/{str(value).strip('/')}".rstrip("/")


class _PublicUrl(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.query or parts.fragment or parts.username:
            raise ma.ValidationError("must look like https://pay.example.com")
        return value.rstrip("/")  # type: ignore[no-any-return]


class _Words(ma.fields.Field[tuple[str, ...]]):
    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        return tuple(part.strip() for part in value.split(",") if part.strip())


class _Folder(ma.fields.Field[Path]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Path:
        return Path(value).expanduser()


class _DatabaseUrl(ma.fields.String):
    """SQLAlchemy's dialect name, and `?schema=` (a Prisma convention) as a search path."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            query = dict(parse_qsl(parts.query))
            usable = parts.scheme in ("postgres", "postgresql", "postgresql+psycopg")
            usable = usable and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable:
            raise ma.ValidationError("must look like postgresql://user:password@host:5432/name")
        for prisma_only in ("connection_limit", "pool_timeout", "pgbouncer"):
            query.pop(prisma_only, None)
        if (schema := query.pop("schema", "public")) != "public":
            query["options"] = f"-csearch_path={schema}"
        return str(
            urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, urlencode(query), ""))
        )


class _RedisUrl(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ma.ValidationError("must look like redis://host:6379/0")
        return str(value)


class _BankKey(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        prefix, _, encoded = str(value).partition("_")
        try:
            usable = prefix == "whsec" and len(base64.b64decode(encoded, validate=True)) >= (
                _LEAST_KEY_BYTES
            )
        except ValueError:  # not ASCII, or not base64
            usable = False
        if not usable:
            raise ma.ValidationError("is no key")
        return str(value)


class _BankProvider(ma.Schema):
    code = ma.fields.String(required=True, validate=Regexp(r"[A-Z0-9]{2,16}\Z"))
    name = ma.fields.String(required=True, validate=Length(1, 100))
    url = ma.fields.Url(required=True, schemes={"http", "https"}, require_tld=False)
    keys = ma.fields.List(_BankKey(), required=True, validate=Length(1))

    @ma.post_load
    def _make(self, data: dict[str, Any], **_: Any) -> BankProvider:
        return BankProvider(data["code"], data["name"], data["url"].rstrip("/"), (*data["keys"],))


class _BankProviders(ma.fields.Field[tuple[BankProvider, ...]]):
    """A JSON list. What is wrong is named by field only, because the values are secrets."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[BankProvider, ...]:
        try:
            banks: list[BankProvider] = _BankProvider(many=True).loads(value)
        except ma.ValidationError as error:
            wrong = {f for of in error.messages_dict.values() if isinstance(of, dict) for f in of}
            raise ma.ValidationError(
                'must be a list of {"code", "name", "url", "keys"} with keys of '
                f"{_LEAST_KEY_BYTES} bytes or more as whsec_… (see "
                f"{', '.join(sorted(map(str, wrong))) or 'the list'})"
            ) from None
        except ValueError:
            raise ma.ValidationError("must be JSON") from None
        if len({bank.code for bank in banks}) < len(banks):
            raise ma.ValidationError("must name each code once")
        return tuple(banks)


class _Environment(ma.Schema):
    """How each variable is read. What is not set keeps its default in Settings."""

    class Meta:
        unknown = ma.EXCLUDE

    app_env = ma.fields.String(validate=OneOf(["development", "production", "test"]))
    host = ma.fields.String()
    port = ma.fields.Integer(validate=Range(1, 65535))
    public_url = _PublicUrl()
    api_prefix = _Prefix()
    data_dir = _Folder()
    trusted_proxies = ma.fields.Integer(validate=Range(0))

    database_url = _DatabaseUrl()
    migration_database_url = _DatabaseUrl()
    database_pool_size = ma.fields.Integer(validate=Range(1))
    redis_url = _RedisUrl()

    jwt_access_secret = ma.fields.String()
    jwt_refresh_secret = ma.fields.String()
    jwt_access_expiration = _Duration()
    jwt_refresh_expiration = _Duration()
    bcrypt_rounds = ma.fields.Integer(validate=Range(4, 16))
    encryption_keys = _Words()
    phone_auto_registration = ma.fields.Boolean()

    default_currency = ma.fields.String(validate=OneOf(list(EXPONENTS)))
    minimum_withdrawal = ma.fields.Decimal(validate=Range(0))
    maximum_deposit = ma.fields.Decimal(validate=Range(0))
    maximum_onramp = ma.fields.Decimal(validate=Range(0))
    direct_deposits = ma.fields.Boolean()
    platform_fee_bps = ma.fields.Integer(validate=Range(0, 10_000))
    two_factor_above = ma.fields.Decimal(validate=Range(0))

    bank_providers_given = _BankProviders(data_key="bank_providers")
    bank_port = ma.fields.Integer(validate=Range(1, 65535))

    web_workers = ma.fields.Integer(validate=Range(1))
    web_threads = ma.fields.Integer(validate=Range(1))
    ratelimit_enabled = ma.fields.Boolean()
    log_level = ma.fields.String(validate=OneOf(["debug", "info", "warning", "error", "critical"]))
    cors_origins = _Words()
    metrics_token = ma.fields.String(validate=Length(16))

    @ma.pre_load
    def _accept_old_names(self, data: dict[str, str], **_: Any) -> dict[str, str]:
        """REDIS_HOST and REDIS_PORT, and levels in capitals: deployments of the original."""
        if "redis_url" not in data and "redis_host" in data:
            port = data.get("redis_port", "6379")
            data["redis_url"] = f"redis://{data['redis_host']}:{port}/0"
        if "log_level" in data:
            data["log_level"] = data["log_level"].lower()
        return data


def load_settings() -> Settings:
    """The settings of this process: the environment's, else those of `.env`, else the defaults.

    Raises SettingsError naming each bad variable.
    """
    variables = {**dotenv_values(".env"), **os.environ}
    # Set to nothing is not set: compose files and `.env` files do that.
    given = {name.lower(): value for name, value in variables.items() if value}
    try:
        return Settings(**_Environment().load(given))
    except ma.ValidationError as error:
        problems = "; ".join(
            f"{name.upper()}: {' '.join(texts)}" for name, texts in error.messages_dict.items()
        )
        raise SettingsError(f"Bad configuration: {problems}") from None
