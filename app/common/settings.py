"""Settings: read once at start from the environment (or `.env`) into one typed object."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import marshmallow as ma
from dotenv import dotenv_values

from app.common import production
from app.common.env_fields import declarations
from app.common.money import AmountInvalid, Money
from app.common.web_settings import WebSettings

PRODUCT_NAME: Final = "Payment Flow"

#: What the user calls the command, for help and messages: `./flow` says so.
COMMAND: Final = os.environ.get("FLOW_COMMAND") or "payment-flow"

#: The checkout, or where the package is installed.
PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]

#: Listening addresses that other machines cannot use.
_LOOPBACK: Final = {"127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104 – to recognise, not to bind


class SettingsError(Exception):
    """The configuration is invalid; the message is one sentence for the operator."""


class InvalidValues(SettingsError):
    """Invalid values. problems: the problem of each, by the name of the variable."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        texts = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        super().__init__(f"Invalid configuration: {texts}")


@dataclass(frozen=True)
class Settings(WebSettings):
    """The settings of a process, with derived values. Raises SettingsError if they
    contradict each other or are not allowed in production."""

    def __post_init__(self) -> None:
        self._require_exact_amounts()
        self._require_bucket_name()
        self._require_kafka_login()
        self._require_metrics_token()
        self._require_backup_keys()
        if self.is_production and (problem := next(production.problems(self), None)):
            raise SettingsError(problem)

    def _require_exact_amounts(self) -> None:
        """Refuse amounts with more decimals than the currency has."""
        for name in (
            "minimum_withdrawal",
            "maximum_deposit",
            "maximum_onramp",
            "two_factor_above",
            "two_factor_new_merchant_above",
            "risk_review_above",
        ):
            try:
                Money.of(getattr(self, name), self.default_currency, field=name.upper())
            except AmountInvalid as error:
                problems = {name: " ".join(texts) for name, texts in error.details.items()}
                raise InvalidValues(problems) from None

    def _require_bucket_name(self) -> None:
        """Refuse bucket settings without a bucket, which would store files in a folder."""
        if self.files_s3_bucket is None and (self.files_s3_endpoint or self.files_s3_region):
            raise SettingsError(
                "FILES_S3_BUCKET must be set if FILES_S3_ENDPOINT or FILES_S3_REGION is set."
            )

    def _require_kafka_login(self) -> None:
        """Refuse a SASL protocol without a user, and half a certificate."""
        login = (self.kafka_username, self.kafka_password)
        if self.kafka_security_protocol.startswith("sasl") and None in login:
            raise SettingsError(
                "KAFKA_USERNAME and KAFKA_PASSWORD must be set with a SASL protocol."
            )
        if (self.kafka_certificate_file is None) != (self.kafka_key_file is None):
            raise SettingsError("KAFKA_CERTIFICATE_FILE and KAFKA_KEY_FILE must be set together.")

    def _require_metrics_token(self) -> None:
        """Refuse a listener for metrics that nobody could read."""
        if self.worker_metrics_port is not None and self.metrics_token is None:
            raise SettingsError("METRICS_TOKEN must be set if WORKER_METRICS_PORT is set.")

    def _require_backup_keys(self) -> None:
        """Refuse backups that everyone could read, or that a guessed key decrypts."""
        if self.backup_dir is None:
            return
        if not self.backup_keys:
            raise SettingsError("BACKUP_KEYS must be set if BACKUP_DIR is set.")
        if any(len(key) < production.SECRET_MIN_LENGTH for key in self.backup_keys):
            raise SettingsError(
                f"BACKUP_KEYS must have {production.SECRET_MIN_LENGTH} characters or more each."
            )

    @property
    def is_production(self) -> bool:
        return self.app_env == "production"

    @property
    def public_address(self) -> str:
        """The address that links and QR codes start with; without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        host = "localhost" if self.host in _LOOPBACK else host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def worker_metrics_are_served(self) -> bool:
        return self.worker_metrics_port is not None

    @property
    def api_address(self) -> str:
        """The address of the API, without a slash at the end."""
        return self.public_address + self.api_prefix

    @property
    def readiness_address(self) -> str:
        """What tells whether requests can be served."""
        return f"{self.readiness_url or self.public_address}/health/ready"

    @property
    def traffic_address(self) -> str | None:
        """The address of the traffic simulator; None in production, which has none."""
        return None if self.is_production else f"http://127.0.0.1:{self.traffic_port}"

    @property
    def direct_deposits_allowed(self) -> bool:
        return self.direct_deposits if self.direct_deposits is not None else not self.is_production

    @property
    def admin_two_factor_required(self) -> bool:
        return self.admin_two_factor if self.admin_two_factor is not None else self.is_production

    @property
    def verified_handles_required(self) -> bool:
        required = self.require_verified_handles
        return required if required is not None else self.is_production

    @property
    def webhook_networks(self) -> tuple[str, ...]:
        """The networks that webhooks may be sent to although they are not public."""
        if self.webhook_allowed_networks is not None:
            return self.webhook_allowed_networks
        return () if self.is_production else ("127.0.0.0/8", "::1/128")

    @property
    def data_folder(self) -> Path:
        """Folder of the embedded servers, logs and development secrets."""
        return self.data_dir or default_data_dir()

    @property
    def files_folder(self) -> Path:
        """Folder of the files that merchants sell, unless they are stored in S3."""
        return self.files_dir or self.data_folder / "files"

    @cached_property
    def access_secret(self) -> str:
        return self.jwt_access_secret or self.development_secret("jwt-access-secret")

    @cached_property
    def refresh_secret(self) -> str:
        return self.jwt_refresh_secret or self.development_secret("jwt-refresh-secret")

    @cached_property
    def encryption_secrets(self) -> tuple[str, ...]:
        """The keys of stored secrets: the first encrypts, all of them decrypt."""
        return self.encryption_keys or (self.development_secret("encryption-key"),)

    def development_secret(self, name: str) -> str:
        """A random secret, generated once and kept in the data folder for later runs.

        Raises SettingsError when the folder cannot be written.
        """
        folder = self.data_folder
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with NamedTemporaryFile("w", dir=folder) as draft:  # only its owner may read it
                    draft.write(secrets.token_urlsafe(48))
                    draft.flush()
                    # Concurrent starts, or a kill at this point: the first complete file wins.
                    with suppress(FileExistsError):
                        os.link(draft.name, path)
            return path.read_text()
        except OSError as error:
            raise SettingsError(f"Cannot keep a secret in {folder}: {error.strerror}.") from error


def default_data_dir(project_root: Path = PROJECT_ROOT) -> Path:
    """The data folder if DATA_DIR is not set.

    In the checkout, or for an installed package in the user's home. Elsewhere for root: the
    servers then run as an unprivileged user, who may not have access to these (for example below
    `/root`).
    """
    if os.geteuid() == 0:
        name = sha256(str(project_root.resolve()).encode()).hexdigest()[:8]
        return Path("/var/lib/payment-flow") / name
    if _is_checkout(project_root):
        return project_root / ".data"
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "payment-flow"


def require_database(settings: WebSettings) -> str:
    """The URL of the database. Raises SettingsError if there is none."""
    if settings.database_url is None:
        raise SettingsError(f"DATABASE_URL is not set; `{COMMAND} up` starts its own database.")
    return settings.database_url


def require_direct_database(settings: WebSettings) -> str:
    """The URL of the database without a pooler in between. Raises SettingsError."""
    return settings.direct_database_url or require_database(settings)


def require_redis(settings: WebSettings) -> str:
    """The URL of the Redis of the job queue. Raises SettingsError if there is none."""
    if settings.redis_url is None:
        raise SettingsError(f"REDIS_URL is not set; `{COMMAND} up` starts its own Redis.")
    return settings.redis_url


def require_checkout(command: str) -> None:
    """Raises SettingsError if this is an installed package, without tests and documents."""
    if not _is_checkout(PROJECT_ROOT):
        raise SettingsError(f"`{command}` works in a checkout of the project only.")


def _is_checkout(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file()


def load_settings() -> Settings:
    """The settings of this process: the environment's, else those of `.env`, else the defaults.

    Raises SettingsError naming each invalid variable.
    """
    return Settings(**_read_values())


def load_for_migration() -> WebSettings:
    """The settings for `migrate`, which needs the URLs of the database and no secrets.

    Raises SettingsError naming each invalid variable.
    """
    settings = WebSettings(**_read_values())
    if settings.app_env == "production" and (problem := production.role_problem(settings)):
        raise SettingsError(problem)
    return settings


def read_variables() -> dict[str, str]:
    """The environment, with what `.env` adds to it. Raises SettingsError."""
    try:
        added = dotenv_values(".env")
    except (OSError, ValueError) as error:
        raise SettingsError(f"Cannot read .env: {error}.") from None
    return {**{name: value for name, value in added.items() if value}, **os.environ}


def _read_values() -> dict[str, Any]:
    """The values of the settings that are given, by field. Raises InvalidValues."""
    # An empty value means unset, as in compose files and `.env` files.
    given = _accept_old_names(
        {name.upper(): value for name, value in read_variables().items() if value}
    )
    values, problems = {}, {}
    for name, declaration in declarations(Settings).items():
        if name in given:
            try:
                given[name].encode()  # the environment may hold any bytes
                values[name.lower()] = declaration.field.deserialize(given[name])
            except ma.ValidationError as error:
                problems[name] = " ".join(error.messages)
            except UnicodeEncodeError:
                problems[name] = "must be text in UTF-8"
    if problems:
        raise InvalidValues(problems)
    return values


def _accept_old_names(given: dict[str, str]) -> dict[str, str]:
    """Accept REDIS_HOST with REDIS_PORT, and log levels in capitals, as earlier versions did."""
    if "REDIS_URL" not in given and "REDIS_HOST" in given:
        given["REDIS_URL"] = f"redis://{given['REDIS_HOST']}:{given.get('REDIS_PORT', 6379)}/0"
    if "LOG_LEVEL" in given:
        given["LOG_LEVEL"] = given["LOG_LEVEL"].lower()
    return given
