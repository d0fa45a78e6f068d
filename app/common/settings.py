"""Settings: read once at start from the environment (or `.env`) into one typed object."""

import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import marshmallow as ma
from dotenv import dotenv_values
from marshmallow.validate import Length, OneOf, Range

from app.common.money import EXPONENTS, AmountInvalid, Money
from app.common.outside import (
    NO_GATEWAY,
    STRIPE,
    BankProvider,
    BankProviders,
    GatewayAccount,
    bank_key,
    require_stripe_key,
    require_stripe_secrets,
)
from app.common.variables import (
    DatabaseUrl,
    Duration,
    Folder,
    MediaTypes,
    Prefix,
    PublicUrl,
    RedisUrl,
    ReturnUrl,
    Words,
)

PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]

#: Addresses to listen on that nobody elsewhere can use.
_LOOPBACK: Final = {"127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104 – to recognise, not to bind

#: The banks that sandbox/bank plays, by code.
_SANDBOX_BANKS = {"HDFC": "HDFC Bank", "AXIS": "Axis Bank"}
#: Least life of a checkout at Stripe (expires_at of a Checkout Session).
_STRIPE_LEAST_MINUTES = 30
#: S3 copies an object of up to 5 GiB in one go, which is how a file gets its name.
_LARGEST_FILE = 5 * 1024**3


class SettingsError(Exception):
    """The configuration cannot be used; the message is one sentence for the operator."""


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

    stripe_secret_key: str | None = field(default=None, repr=False)
    stripe_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    stripe_api_base: str = STRIPE
    gateway_port: int = 3004
    checkout_minutes: int = 30
    checkout_success_url: str | None = None
    checkout_cancel_url: str | None = None

    files_dir: Path | None = None
    files_s3_bucket: str | None = None
    files_s3_endpoint: str | None = None
    files_s3_region: str | None = None
    file_max_bytes: int = 2 * 1024**3
    file_types: tuple[str, ...] = ()
    file_link_minutes: int = 60
    downloads_per_order: int = 5

    web_workers: int | None = None
    web_threads: int = 64
    web_connections: int = 8192
    ratelimit_enabled: bool = True
    log_level: str = "info"
    cors_origins: tuple[str, ...] = ()
    metrics_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._require_expressible()
        self._require_whole_gateway()
        self._require_whole_bucket()
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

    def _require_whole_gateway(self) -> None:
        has_key = self.stripe_secret_key not in (None, NO_GATEWAY)
        if has_key is not bool(self.stripe_webhook_secrets):
            raise SettingsError("STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRETS go together.")
        is_stripe = self.stripe_api_base == STRIPE
        if has_key and is_stripe and self.checkout_minutes < _STRIPE_LEAST_MINUTES:
            raise SettingsError(
                f"CHECKOUT_MINUTES must be {_STRIPE_LEAST_MINUTES} or more: Stripe allows no less."
            )

    def _require_whole_bucket(self) -> None:
        """Or files would be kept in a folder by who wants them in a bucket."""
        if self.files_s3_bucket is None and (self.files_s3_endpoint or self.files_s3_region):
            raise SettingsError(
                "FILES_S3_BUCKET must be set where FILES_S3_ENDPOINT or FILES_S3_REGION is."
            )

    def _require_production(self) -> None:
        if not self.stripe_api_base.startswith("https:"):
            raise SettingsError("STRIPE_API_BASE must begin with https in production.")
        if self.gateway is not None and not self.gateway.is_live:
            raise SettingsError(
                "STRIPE_SECRET_KEY must be a live key in production: test cards buy real goods."
            )
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

    @property
    def plays_gateway(self) -> bool:
        """Whether the sandbox's gateway stands in for Stripe."""
        return self.stripe_secret_key is None and not self.is_production

    @property
    def files_folder(self) -> Path:
        """Where files that are sold are kept, unless they are kept in S3."""
        return self.files_dir or (self.data_dir or PROJECT_ROOT / ".data") / "files"

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
                keys=(bank_key(hmac.digest(secret, code.encode(), "sha256")),),
            )
            for code, name in _SANDBOX_BANKS.items()
        )

    @cached_property
    def gateway(self) -> GatewayAccount | None:
        """Our account with the payment gateway: Stripe, else the sandbox's, but none in production.

        The sandbox's keys are derived from a secret that is made once and kept in the data folder.
        """
        if self.plays_gateway:
            secret = self._development_secret("gateway-secret").encode()
            key, signs = (hmac.digest(secret, of, "sha256").hex() for of in (b"key", b"webhooks"))
            url = f"http://127.0.0.1:{self.gateway_port}"
            return GatewayAccount(url, f"sk_test_{key}", (f"whsec_{signs}",))
        key = self.stripe_secret_key or NO_GATEWAY
        if key == NO_GATEWAY:
            return None
        return GatewayAccount(self.stripe_api_base, key, self.stripe_webhook_secrets)

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


class _Environment(ma.Schema):
    """How each variable is read. What is not set keeps its default in Settings."""

    class Meta:
        unknown = ma.EXCLUDE

    app_env = ma.fields.String(validate=OneOf(["development", "production", "test"]))
    host = ma.fields.String()
    port = ma.fields.Integer(validate=Range(1, 65535))
    public_url = PublicUrl()
    api_prefix = Prefix()
    data_dir = Folder()
    trusted_proxies = ma.fields.Integer(validate=Range(0))

    database_url = DatabaseUrl()
    migration_database_url = DatabaseUrl()
    database_pool_size = ma.fields.Integer(validate=Range(1))
    redis_url = RedisUrl()

    jwt_access_secret = ma.fields.String()
    jwt_refresh_secret = ma.fields.String()
    jwt_access_expiration = Duration()
    jwt_refresh_expiration = Duration()
    bcrypt_rounds = ma.fields.Integer(validate=Range(4, 16))
    encryption_keys = Words()
    phone_auto_registration = ma.fields.Boolean()

    default_currency = ma.fields.String(validate=OneOf(list(EXPONENTS)))
    minimum_withdrawal = ma.fields.Decimal(validate=Range(0))
    maximum_deposit = ma.fields.Decimal(validate=Range(0))
    maximum_onramp = ma.fields.Decimal(validate=Range(0))
    direct_deposits = ma.fields.Boolean()
    platform_fee_bps = ma.fields.Integer(validate=Range(0, 10_000))
    two_factor_above = ma.fields.Decimal(validate=Range(0))

    bank_providers_given = BankProviders(data_key="bank_providers")
    bank_port = ma.fields.Integer(validate=Range(1, 65535))

    stripe_secret_key = ma.fields.String(validate=require_stripe_key)
    stripe_webhook_secrets = Words(validate=require_stripe_secrets)
    stripe_api_base = PublicUrl()
    gateway_port = ma.fields.Integer(validate=Range(1, 65535))
    # A day is Stripe's most, and we add a minute.
    checkout_minutes = ma.fields.Integer(validate=Range(1, 24 * 60 - 1))
    checkout_success_url = ReturnUrl()
    checkout_cancel_url = ReturnUrl()

    files_dir = Folder()
    files_s3_bucket = ma.fields.String()
    files_s3_endpoint = ma.fields.Url(schemes={"http", "https"}, require_tld=False)
    files_s3_region = ma.fields.String()
    file_max_bytes = ma.fields.Integer(validate=Range(1, _LARGEST_FILE))
    file_types = MediaTypes()
    file_link_minutes = ma.fields.Integer(validate=Range(1, 720))
    downloads_per_order = ma.fields.Integer(validate=Range(1, 1_000_000))

    web_workers = ma.fields.Integer(validate=Range(1))
    web_threads = ma.fields.Integer(validate=Range(1))
    web_connections = ma.fields.Integer(validate=Range(1))
    ratelimit_enabled = ma.fields.Boolean()
    log_level = ma.fields.String(validate=OneOf(["debug", "info", "warning", "error", "critical"]))
    cors_origins = Words()
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
