"""What production refuses, each in one sentence with the name of the setting."""

import base64
import json
import secrets

import pytest
from click.testing import CliRunner
from flask import Flask

from app.banks import providers
from app.cli import main
from app.common import db, privileges
from app.common.env_fields import Duration, declarations
from app.common.production import LIFETIMES, is_patterned
from app.common.settings import PROJECT_ROOT, Settings, SettingsError
from tests import servers
from tests.environment import REQUIRED, SECRETS, empty_environment, load

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

RANDOM = "h4Q9zv1LmT7cXs2RkW8yNb5JfD3gPaE6"
APP = "postgresql://app:p@localhost/flow"

#: Values that production refuses, by setting.
REFUSED = {
    "ADMIN_TWO_FACTOR": ["false"],
    "BACKUP_KEYS": ["short", "x" * 40, SECRETS["JWT_ACCESS_SECRET"]],
    "BCRYPT_ROUNDS": ["4", "9"],
    "CHECKOUT_CANCEL_URL": ["http://shop.example.com/{order}"],
    "CHECKOUT_SUCCESS_URL": ["http://shop.example.com/{order}"],
    "DIRECT_DEPOSITS": ["true"],
    "ENCRYPTION_KEYS": ["", "short", "x" * 40, SECRETS["JWT_ACCESS_SECRET"]],
    "JWT_ACCESS_SECRET": ["", "short", "x" * 40, "change-me-" + RANDOM],
    "JWT_REFRESH_SECRET": ["", "short", "abc123" * 8, SECRETS["JWT_ACCESS_SECRET"]],
    "METRICS_TOKEN": ["x" * 40, SECRETS["JWT_ACCESS_SECRET"]],
    "MIGRATION_DATABASE_URL": [APP],
    "PUBLIC_URL": ["", "http://pay.example.com", "http://localhost:3000"],
    "RATELIMIT_ENABLED": ["false"],
    "SMTP_URL": ["smtp://mail.example.com?tls=off"],
    "WEBHOOK_ALLOWED_NETWORKS": ["127.0.0.0/8"],
    **{
        name.upper(): [f"{shortest.total_seconds() - 1:.0f}", f"{longest.total_seconds() + 1:.0f}"]
        for name, (shortest, longest) in LIFETIMES.items()
    },
}

#: Settings whose values are all safe: names, sizes, amounts, ports, folders and the like. A new
#: setting belongs here, in `LIFETIMES` if it is a duration, or in one of the other tables.
SAFE = {
    "API_PREFIX", "APP_ENV", "BACKUP_DATABASE_URL", "BACKUP_DIR", "BANK_PORT",
    "CHECKOUT_MINUTES", "CORS_ORIGINS",
    "DATABASE_POOL_SIZE", "DATABASE_PREPARE_THRESHOLD", "DATABASE_URL", "DATA_DIR",
    "DEFAULT_CURRENCY", "DIRECT_DATABASE_URL",
    "DOWNLOADS_PER_ORDER", "FILES_DIR", "FILES_S3_BUCKET", "FILES_S3_ENDPOINT",
    "FILES_S3_REGION", "FILE_LINK_MINUTES", "FILE_MAX_BYTES", "FILE_TYPES",
    "EVENT_ATTEMPTS", "EVENT_STREAMS", "EVENT_STREAM_LENGTH", "GATEWAY_PORT", "HOST",
    "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_CA_FILE", "KAFKA_CERTIFICATE_FILE", "KAFKA_GROUP",
    "KAFKA_KEY_FILE", "KAFKA_PARTITIONS", "KAFKA_PASSWORD", "KAFKA_REPLICATION",
    "KAFKA_SASL_MECHANISM", "KAFKA_SECURITY_PROTOCOL", "KAFKA_USERNAME",
    "LIVE_CONNECTIONS", "LIVE_CONNECTIONS_PER_ADDRESS", "LIVE_EVENTS_PATH",
    "LIVE_PORT", "LIVE_PUBLIC", "LIVE_STREAM_LENGTH", "LOG_LEVEL", "TRAFFIC_PORT",
    "MAILS_PER_SECOND", "MAIL_PORT", "MAIL_SMTP_PORT", "MAXIMUM_DEPOSIT", "MAXIMUM_ONRAMP",
    "MINIMUM_WITHDRAWAL", "PHONE_AUTO_REGISTRATION", "PLATFORM_FEE_BPS", "PORT",
    "LIVE_METRICS_PORT", "METRICS_HOST", "WORKER_METRICS_PORT",
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "TRACE_RATIO",
    "READINESS_URL", "SLO_AVAILABILITY", "SLO_LATENCY", "SLO_LATENCY_MS",
    "REDIS_CACHE_URL", "REDIS_LIMITS_URL", "REDIS_URL", "REPLICA_DATABASE_URL",
    "REQUIRE_VERIFIED_HANDLES",
    "QUOTA_API_KEYS", "QUOTA_CODES", "QUOTA_COUPONS", "QUOTA_FILE_BYTES", "QUOTA_HOLDS",
    "QUOTA_MERCHANT_CODES", "QUOTA_PAYMENT_REQUESTS", "QUOTA_PRODUCTS",
    "RISK_COUNTRY_HEADER", "RISK_DECLINE_SCORE", "RISK_FOUR_EYES", "RISK_REVIEW_ABOVE",
    "RISK_REVIEW_SCORE", "SALE_MAILS_PER_HOUR",
    "QUOTA_WEBHOOK_ENDPOINTS",
    "TRUSTED_PROXIES", "TWO_FACTOR_ABOVE", "TWO_FACTOR_NEW_MERCHANT_ABOVE",
    "WEB_CONNECTIONS", "WEB_CONNECTIONS_PER_ADDRESS", "WEB_MIN_RATE", "WEB_REQUEST_SECONDS",
    "WEB_THREADS", "WEB_WORKERS",
}  # fmt: skip

#: Settings that their module refuses (tests/banks, tests/gateway, tests/notifications).
REFUSED_ELSEWHERE = {
    "BANK_PROVIDERS",
    "MAIL_FROM",
    "STRIPE_API_BASE",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRETS",
}


def test_every_setting_is_judged() -> None:
    assert set(declarations(Settings)) == SAFE | REFUSED.keys() | REFUSED_ELSEWHERE


def test_every_duration_is_bounded() -> None:
    durations = {
        name.lower()
        for name, declaration in declarations(Settings).items()
        if isinstance(declaration.field, Duration)
    }
    assert durations == LIFETIMES.keys()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values]
)
def test_production_refuses_it_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    given = {"DATABASE_URL": APP} | REQUIRED | {name: value}

    load(monkeypatch, APP_ENV="development", **given)
    with pytest.raises(SettingsError) as refused:
        load(monkeypatch, APP_ENV="production", **given)

    assert name in str(refused.value)
    assert str(refused.value).endswith(".")
    assert str(refused.value).count(". ") == 0


BANK = {
    "code": "HDFC",
    "name": "HDFC",
    "url": "https://bank.example.com",
    "keys": ["whsec_aDRROXp2MUxtVDdjWHMyUmtXOHlOYjVKZkQzZ1BhRTY="],
}


@pytest.mark.parametrize(
    "banks",
    [
        [BANK | {"url": "http://bank.example.com"}],
        [BANK | {"keys": ["whsec_" + base64.b64encode(b"0123456789abcdef" * 2).decode()]}],
        [BANK, BANK | {"code": "AXIS"}],
    ],
    ids=["plain http", "patterned key", "equal keys"],
)
def test_banks_are_refused(monkeypatch: pytest.MonkeyPatch, banks: list[object]) -> None:
    given = REQUIRED | {"BANK_PROVIDERS": json.dumps(banks)}

    providers.require_valid(load(monkeypatch, APP_ENV="development", **given))
    with pytest.raises(SettingsError, match=r"BANK_PROVIDERS.* in production"):
        providers.require_valid(load(monkeypatch, APP_ENV="production", **given))


class TestMigrate:
    """`migrate` runs in a container that has no secrets."""

    def migrate(self, monkeypatch: pytest.MonkeyPatch, owner: str) -> str:
        monkeypatch.setattr("app.common.migrate.migrate", lambda _: None)
        for name, value in {
            "APP_ENV": "production",
            "DATABASE_URL": APP,
            "MIGRATION_DATABASE_URL": owner,
        }.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(main, ["migrate"]).output

    def test_it_needs_no_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.migrate(monkeypatch, "postgresql://owner:p@localhost/flow") == ""

    def test_it_refuses_one_role_for_both_urls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.migrate(monkeypatch, APP).startswith("Error: MIGRATION_DATABASE_URL must name")


class TestSecrets:
    @pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe])
    def test_random_ones_are_accepted(self, make: "type[str]") -> None:
        assert not any(is_patterned(make(size)) for size in (16, 24, 32, 48) for _ in range(2000))

    @pytest.mark.parametrize(
        "secret",
        [
            "a" * 32,
            "ab" * 16,
            "0123456789abcdef" * 2,
            "abcdefghijklmnopqrstuvwxyz012345",
            "zyxwvutsrqponmlkjihgfedcba987654",
            "aaaaaaaabbbbbbbbccccccccdddddddd",
            "please-change-this-key-for-real-use",
            "my-super-secret-jwt-signing-key-2026",
        ],
    )
    def test_patterns_are_recognized(self, secret: str) -> None:
        assert is_patterned(secret)


class TestRole:
    def settings(self, monkeypatch: pytest.MonkeyPatch, url: str) -> Settings:
        return load(monkeypatch, APP_ENV="production", DATABASE_URL=url, **REQUIRED)

    def test_the_role_that_migrate_grants_to_is_accepted(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = db.current().engine.url.render_as_string(hide_password=False)

        privileges.require_least(self.settings(monkeypatch, url))

    def test_a_role_that_may_change_the_ledger_is_refused(
        self, app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner = str(settings.migration_database_url)

        with pytest.raises(SettingsError, match=r"^DATABASE_URL must name a role without .*\.$"):
            privileges.require_least(self.settings(monkeypatch, owner))

    @pytest.mark.parametrize("command", ["serve", "worker"])
    def test_it_is_asked_before_a_process_starts(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        for name, value in REQUIRED.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("APP_ENV", "production")
        monkeypatch.setenv("DATABASE_URL", str(settings.migration_database_url))
        monkeypatch.setattr("app.server.serve", lambda _: None)
        monkeypatch.setattr("app.worker.work", lambda _: None)

        result = CliRunner().invoke(main, [command])

        assert result.exit_code == 1
        assert result.output.startswith("Error: DATABASE_URL must name a role without")


def test_the_image_runs_in_production() -> None:
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    assert "APP_ENV=production" in dockerfile


def test_an_administrator_is_created_as_the_owner(
    monkeypatch: pytest.MonkeyPatch, worker_number: int
) -> None:
    command = ["create-admin", "ann@example.com", "--password", "correct horse battery"]
    with servers.database(f"payment_flow_admin_{worker_number}") as made:
        urls = {"DATABASE_URL": made.app_url, "MIGRATION_DATABASE_URL": made.owner_url}
        for name, value in (REQUIRED | urls | {"APP_ENV": "production"}).items():
            monkeypatch.setenv(name, value)

        result = CliRunner().invoke(main, command)
        db.current().dispose()

    assert result.output == "Administrator ann@example.com created.\n"
