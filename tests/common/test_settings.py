"""Settings from the environment, and one clear sentence about each invalid one."""

import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.common import process_state
from app.common.settings import Settings, SettingsError, load_settings
from app.factory import create_app
from tests.concurrency import all_at_once
from tests.environment import REQUIRED, SECRETS, empty_environment, load

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]


class TestReading:
    def test_the_defaults_are_those_of_development(self) -> None:
        settings = load_settings()

        assert settings.app_env == "development"
        assert settings.api_prefix == "/api/v1"
        assert settings.jwt_access_expiration == timedelta(minutes=15)
        assert settings.jwt_refresh_expiration == timedelta(days=7)
        assert settings.bcrypt_rounds == 12
        assert (settings.minimum_withdrawal, settings.maximum_deposit) == (
            Decimal("1.00"),
            Decimal("10000.00"),
        )
        assert settings.direct_deposits_allowed
        assert settings.ratelimit_enabled
        assert (settings.database_url, settings.redis_url) == (None, None)

    def test_an_empty_variable_is_not_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load(monkeypatch, DATABASE_URL="", REDIS_URL="", PORT="", WEB_WORKERS="")

        assert settings == Settings()

    def test_the_environment_overrides_the_dotenv_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".env").write_text("PORT=4000\nBCRYPT_ROUNDS=10\n")

        settings = load(monkeypatch, PORT="5000")

        assert (settings.port, settings.bcrypt_rounds) == (5000, 10)

    @pytest.mark.parametrize(
        ("text", "duration"),
        [
            ("15m", timedelta(minutes=15)),
            ("7d", timedelta(days=7)),
            ("12h", timedelta(hours=12)),
            ("30s", timedelta(seconds=30)),
            ("900", timedelta(seconds=900)),
            (" 15m ", timedelta(minutes=15)),
        ],
    )
    def test_durations_have_a_unit_or_are_in_seconds(
        self, monkeypatch: pytest.MonkeyPatch, text: str, duration: timedelta
    ) -> None:
        settings = load(monkeypatch, JWT_ACCESS_EXPIRATION=text, JWT_REFRESH_EXPIRATION=text)

        assert settings.jwt_access_expiration == settings.jwt_refresh_expiration == duration

    @pytest.mark.parametrize("text", ["api/v1", "/api/v1", "/api/v1/", "api/v1/"])
    def test_the_slashes_of_a_prefix_are_optional(
        self, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        assert load(monkeypatch, API_PREFIX=text).api_prefix == "/api/v1"

    @pytest.mark.parametrize("text", ["/api v1", "/api//v1", "https://example.com/api", "/api?v=1"])
    def test_a_prefix_is_a_path(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        with pytest.raises(SettingsError, match="API_PREFIX: must look like /api/v1"):
            load(monkeypatch, API_PREFIX=text)

    @pytest.mark.parametrize("name", ["DATABASE_URL", "ENCRYPTION_KEYS", "PUBLIC_URL"])
    def test_a_value_is_text(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        with pytest.raises(SettingsError, match=f"{name}: must be text in UTF-8"):
            load(monkeypatch, **{name: "postgresql://a\udcff@localhost/x"})

    def test_a_slash_alone_is_an_empty_prefix(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert load(monkeypatch, API_PREFIX="/").api_prefix == ""

    @pytest.mark.parametrize(
        ("variables", "address"),
        [
            ({}, "http://localhost:3000"),
            ({"HOST": "0.0.0.0", "PORT": "8080"}, "http://localhost:8080"),
            ({"HOST": "192.0.2.7"}, "http://192.0.2.7:3000"),
            ({"HOST": "2001:db8::7"}, "http://[2001:db8::7]:3000"),
            ({"PUBLIC_URL": "https://pay.example.com"}, "https://pay.example.com"),
            ({"PUBLIC_URL": "https://example.com/shop/"}, "https://example.com/shop"),
        ],
        ids=str,
    )
    def test_links_begin_with_the_public_url_or_the_listening_address(
        self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str
    ) -> None:
        assert load(monkeypatch, **variables).public_address == address

    @pytest.mark.parametrize(
        ("variables", "url"),
        [
            ({"REDIS_URL": "redis://cache:6380/2"}, "redis://cache:6380/2"),
            ({"REDIS_HOST": "cache"}, "redis://cache:6379/0"),
            ({"REDIS_HOST": "cache", "REDIS_PORT": "6380"}, "redis://cache:6380/0"),
            ({"REDIS_URL": "redis://a/0", "REDIS_HOST": "b"}, "redis://a/0"),
            ({"REDIS_PORT": "6380"}, None),
        ],
        ids=str,
    )
    def test_redis_is_configured_by_url_or_by_host_and_port(
        self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str | None
    ) -> None:
        assert load(monkeypatch, **variables).redis_url == url

    @pytest.mark.parametrize(
        ("given", "used"),
        [
            ("postgresql://u:p@h:5432/shop", "postgresql+psycopg://u:p@h:5432/shop"),
            ("postgres://u:p@h/shop", "postgresql+psycopg://u:p@h/shop"),
            ("postgresql+psycopg://u:p@h/shop", "postgresql+psycopg://u:p@h/shop"),
            ("postgresql://u:p@h/shop?schema=public", "postgresql+psycopg://u:p@h/shop"),
            (
                "postgresql://u:p@h/shop?schema=public&connection_limit=5&sslmode=require",
                "postgresql+psycopg://u:p@h/shop?sslmode=require",
            ),
            (
                "postgresql://u:p@h/shop?schema=pay",
                "postgresql+psycopg://u:p@h/shop?options=-csearch_path%3Dpay",
            ),
            ("postgresql://u:p%40ss@h/shop", "postgresql+psycopg://u:p%40ss@h/shop"),
            ("postgresql://u:p,ss@h:1/shop", "postgresql+psycopg://u:p,ss@h:1/shop"),
            (
                "postgresql://u:p,ss@one:5433,two,[::1]:5434/shop?sslmode=require",
                "postgresql+psycopg://u:p,ss@/shop"
                "?sslmode=require&host=one%2Ctwo%2C%3A%3A1&port=5433%2C5432%2C5434",
            ),
        ],
    )
    def test_common_forms_of_a_database_url_are_accepted(
        self, monkeypatch: pytest.MonkeyPatch, given: str, used: str
    ) -> None:
        assert load(monkeypatch, DATABASE_URL=given).database_url == used

    @pytest.mark.parametrize(
        ("text", "origins"),
        [
            ("https://a.example", ("https://a.example",)),
            ("https://a.example, https://b.example,", ("https://a.example", "https://b.example")),
            (" , ", ()),
        ],
    )
    def test_origins_are_separated_by_commas(
        self, monkeypatch: pytest.MonkeyPatch, text: str, origins: tuple[str, ...]
    ) -> None:
        assert load(monkeypatch, CORS_ORIGINS=text).cors_origins == origins

    def test_a_log_level_may_be_in_upper_case(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert load(monkeypatch, LOG_LEVEL="WARNING").log_level == "warning"


class TestInvalidSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORT", "0"),
            ("PORT", "65536"),
            ("PORT", "http"),
            ("PUBLIC_URL", "pay.example.com"),
            ("PUBLIC_URL", "ftp://pay.example.com"),
            ("PUBLIC_URL", "https://pay.example.com?a=b"),
            ("PUBLIC_URL", "https://me:hunter2@pay.example.com"),
            ("PUBLIC_URL", "https://[pay"),
            ("APP_ENV", "prod"),
            ("DATABASE_URL", "mysql://u:hunter2@h/shop"),
            ("DATABASE_URL", "postgresql://u:hunter2@one:5432,:5432/shop"),
            ("DATABASE_URL", "postgresql://u:hunter2@one:5432,two:port/shop"),
            ("DATABASE_URL", "localhost:5432/shop"),
            ("DATABASE_URL", "postgresql://u:hunter2@h:port/shop"),
            ("DATABASE_URL", "postgresql://u:hunter2@h:0/shop"),
            ("DATABASE_URL", "postgresql://u:hunter2@[h/shop"),
            ("REDIS_URL", "localhost:6379"),
            ("REDIS_URL", "http://cache"),
            ("JWT_ACCESS_EXPIRATION", "soon"),
            ("JWT_ACCESS_EXPIRATION", "0"),
            ("JWT_ACCESS_EXPIRATION", "-5m"),
            ("JWT_REFRESH_EXPIRATION", "7 weeks"),
            ("BCRYPT_ROUNDS", "3"),
            ("BCRYPT_ROUNDS", "17"),
            ("DEFAULT_CURRENCY", "XXX"),
            ("DEFAULT_CURRENCY", "usd"),
            ("MAXIMUM_DEPOSIT", "NaN"),
            ("MAXIMUM_DEPOSIT", "lots"),
            ("MINIMUM_WITHDRAWAL", "-1"),
            ("PHONE_AUTO_REGISTRATION", "perhaps"),
            ("TWO_FACTOR_ABOVE", "-1"),
            ("TWO_FACTOR_ABOVE", "lots"),
            ("PLATFORM_FEE_BPS", "10001"),
            ("PLATFORM_FEE_BPS", "2.5"),
            ("DIRECT_DEPOSITS", "maybe"),
            ("WEB_WORKERS", "0"),
            ("LOG_LEVEL", "loud"),
            ("METRICS_TOKEN", "hunter2hunter2x"),
            ("BANK_PORT", "0"),
            ("GATEWAY_PORT", "0"),
            ("STRIPE_API_BASE", "stripe"),
            ("CHECKOUT_MINUTES", "0"),
            ("CHECKOUT_MINUTES", "1440"),
            ("CHECKOUT_SUCCESS_URL", "javascript:alert(1)"),
            ("CHECKOUT_CANCEL_URL", "/cart"),
            ("FILE_MAX_BYTES", "0"),
            ("FILE_MAX_BYTES", str(5 * 1024**3 + 1)),
            ("FILE_TYPES", "application/zip,audio"),
            ("FILE_TYPES", "*/*"),
            ("FILE_LINK_MINUTES", "0"),
            ("FILE_LINK_MINUTES", "721"),
            ("DOWNLOADS_PER_ORDER", "0"),
            ("FILES_S3_ENDPOINT", "minio.example"),
        ],
    )
    def test_an_invalid_value_is_reported_in_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        with pytest.raises(SettingsError) as refused:
            load(monkeypatch, **{name: value})

        message = str(refused.value)
        assert message.startswith(f"Invalid configuration: {name}: ")
        assert "\n" not in message
        assert "hunter2" not in message

    def test_all_invalid_values_are_reported_together(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(SettingsError) as refused:
            load(monkeypatch, PORT="0", LOG_LEVEL="loud")

        assert "PORT: " in str(refused.value)
        assert "LOG_LEVEL: " in str(refused.value)

    @pytest.mark.parametrize("name", ["MINIMUM_WITHDRAWAL", "MAXIMUM_DEPOSIT", "TWO_FACTOR_ABOVE"])
    def test_an_amount_that_the_currency_cannot_express_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        with pytest.raises(SettingsError, match=f"{name}: At most 2 decimals for USD."):
            load(monkeypatch, **{name: "0.001"})

        assert load(monkeypatch, DEFAULT_CURRENCY="KWD").default_currency == "KWD"

    @pytest.mark.parametrize("name", ["FILES_S3_ENDPOINT", "FILES_S3_REGION"])
    def test_a_bucket_without_a_name_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        with pytest.raises(SettingsError, match="FILES_S3_BUCKET must be set"):
            load(monkeypatch, **{name: "https://minio.example"})

        settings = load(monkeypatch, FILES_S3_BUCKET="goods", **{name: "https://minio.example"})
        assert settings.files_s3_bucket == "goods"

    def test_a_web_process_requires_a_database_url(self) -> None:
        before = {name: repr(value) for name, value in process_state._values.items()}

        with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
            create_app(Settings(log_level="error"))

        assert {name: repr(value) for name, value in process_state._values.items()} == before


class TestProduction:
    def test_with_secrets_production_is_valid_and_direct_deposits_are_disabled(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = load(monkeypatch, APP_ENV="production", **REQUIRED)

        assert settings.access_secret == SECRETS["JWT_ACCESS_SECRET"]
        assert settings.refresh_secret == SECRETS["JWT_REFRESH_SECRET"]
        assert not settings.direct_deposits_allowed

    @pytest.mark.parametrize("name", list(SECRETS))
    @pytest.mark.parametrize("value", ["", "short", "x" * 31])
    def test_a_missing_or_short_secret_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        with pytest.raises(SettingsError, match=name):
            load(monkeypatch, APP_ENV="production", **REQUIRED | {name: value})

    def test_the_same_secret_for_both_types_of_token_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(SettingsError, match="must differ"):
            load(
                monkeypatch,
                APP_ENV="production",
                **REQUIRED | {"JWT_REFRESH_SECRET": SECRETS["JWT_ACCESS_SECRET"]},
            )

    def test_direct_deposits_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(SettingsError, match="DIRECT_DEPOSITS"):
            load(monkeypatch, APP_ENV="production", DIRECT_DEPOSITS="true", **REQUIRED)

    def test_the_representation_contains_no_secrets(self) -> None:
        settings = Settings(
            jwt_access_secret="hunter2", jwt_refresh_secret="hunter3", metrics_token="hunter4"
        )

        assert "hunter" not in repr(settings)


class TestFiles:
    def test_files_are_in_the_data_folder_unless_another_is_configured(self) -> None:
        assert Settings(data_dir=Path("/data")).files_folder == Path("/data/files")
        named = Settings(data_dir=Path("/data"), files_dir=Path("/files"))
        assert named.files_folder == Path("/files")

    def test_file_types_are_separated_by_commas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load(monkeypatch, FILE_TYPES="application/zip, Audio/*,")

        assert settings.file_types == ("application/zip", "audio/*")


class TestDevelopmentSecrets:
    def test_secrets_are_random_private_and_persistent(self, tmp_path: Path) -> None:
        first, again = Settings(data_dir=tmp_path), Settings(data_dir=tmp_path)
        elsewhere = Settings(data_dir=tmp_path / "other")

        assert len(first.access_secret) >= 32
        assert first.access_secret == again.access_secret
        assert len({first.access_secret, first.refresh_secret, elsewhere.access_secret}) == 3
        for name in ("jwt-access-secret", "jwt-refresh-secret"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600

    def test_processes_that_start_concurrently_use_the_same_secret(self, tmp_path: Path) -> None:
        secrets = all_at_once(
            lambda _: Settings(data_dir=tmp_path).access_secret, range(16), threads=16
        )

        assert len(set(secrets)) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["jwt-access-secret"]

    def test_a_folder_that_cannot_be_written_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")

        with pytest.raises(SettingsError, match="Cannot keep a secret in"):
            _ = Settings(data_dir=tmp_path / "file").access_secret
