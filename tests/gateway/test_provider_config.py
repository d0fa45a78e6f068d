"""The configuration of the gateway, by default the simulator."""

from pathlib import Path

import pytest

from app.common.settings import Settings, SettingsError
from app.gateway.provider_config import from_settings, require_valid, uses_simulator
from tests.environment import REQUIRED, empty_environment, load

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

STRIPE = {
    "STRIPE_SECRET_KEY": "sk_live_hunter2hunter2",
    "STRIPE_WEBHOOK_SECRETS": "whsec_hunter2hunter2hunter2, whsec_hunter3hunter3hunter3",
}


class TestGatewayConfig:
    def test_the_default_gateway_is_the_simulator(self, tmp_path: Path) -> None:
        found = from_settings(Settings(data_dir=tmp_path, gateway_port=4001))

        assert found is not None
        assert found.url == "http://127.0.0.1:4001"
        assert found.secret_key.startswith("sk_test_")
        assert not found.is_live
        assert from_settings(Settings(data_dir=tmp_path, gateway_port=4001)) == found
        other = Settings(data_dir=tmp_path / "other", gateway_port=4001)
        assert from_settings(other) != found

    def test_in_production_there_is_no_gateway_unless_it_is_configured(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert from_settings(load(monkeypatch, APP_ENV="production", **REQUIRED)) is None
        found = from_settings(load(monkeypatch, APP_ENV="development", **STRIPE))
        assert found is not None
        assert (found.url, found.is_live) == ("https://api.stripe.com", True)
        assert found.secret_key == STRIPE["STRIPE_SECRET_KEY"]
        assert found.webhook_secrets == (
            "whsec_hunter2hunter2hunter2",
            "whsec_hunter3hunter3hunter3",
        )

    def test_the_gateway_can_be_disabled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load(monkeypatch, STRIPE_SECRET_KEY="off")
        assert (from_settings(settings), uses_simulator(settings)) == (None, False)

    @pytest.mark.parametrize("name", list(STRIPE))
    def test_an_incomplete_configuration_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        with pytest.raises(SettingsError, match="go together") as refused:
            from_settings(load(monkeypatch, **{name: STRIPE[name]}))
        assert "hunter" not in str(refused.value)

    def test_stripe_requires_at_least_30_minutes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(SettingsError, match="CHECKOUT_MINUTES must be 30 or more"):
            from_settings(load(monkeypatch, CHECKOUT_MINUTES="29", **STRIPE))
        assert from_settings(load(monkeypatch, CHECKOUT_MINUTES="30")) is not None
        elsewhere = from_settings(
            load(monkeypatch, CHECKOUT_MINUTES="5", STRIPE_API_BASE="http://127.0.0.1:3004/")
        )
        assert elsewhere is not None
        assert elsewhere.url == "http://127.0.0.1:3004"

    def test_in_production_a_test_key_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given = REQUIRED | STRIPE | {"STRIPE_SECRET_KEY": "sk_test_hunter2hunter2hunter2"}
        with pytest.raises(SettingsError, match="live key") as refused:
            from_settings(load(monkeypatch, APP_ENV="production", **given))
        assert "hunter" not in str(refused.value)

    def test_in_production_patterned_webhook_secrets_are_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = load(monkeypatch, APP_ENV="production", **REQUIRED, **STRIPE)
        with pytest.raises(SettingsError, match="STRIPE_WEBHOOK_SECRETS must be random"):
            from_settings(settings)

    def test_in_production_https_is_required(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given = REQUIRED | STRIPE | {"STRIPE_API_BASE": "http://127.0.0.1:3004"}
        settings = load(monkeypatch, APP_ENV="production", **given)
        with pytest.raises(SettingsError, match="STRIPE_API_BASE must begin with https"):
            from_settings(settings)

    def test_the_representation_contains_no_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load(monkeypatch, **STRIPE)
        assert "hunter" not in repr(settings)
        assert "hunter" not in repr(from_settings(settings))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("STRIPE_SECRET_KEY", "hunter2"),
            ("STRIPE_SECRET_KEY", "pk_live_hunter2hunter2"),
            ("STRIPE_SECRET_KEY", "sk_live_hunter2 hunter2"),
            ("STRIPE_WEBHOOK_SECRETS", "hunter2"),
            ("STRIPE_WEBHOOK_SECRETS", "whsec_hunter2hunter2, hunter2"),
            ("STRIPE_WEBHOOK_SECRETS", ","),
        ],
    )
    def test_an_invalid_value_is_reported_in_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        settings = load(monkeypatch, **{name: value})
        with pytest.raises(SettingsError) as refused:
            from_settings(settings)

        message = str(refused.value)
        assert message.startswith(f"Invalid configuration: {name}: ")
        assert "\n" not in message
        assert "hunter2" not in message
        with pytest.raises(SettingsError, match=name):
            require_valid(settings)

    def test_all_invalid_values_are_reported_together(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = {"STRIPE_SECRET_KEY": "hunter2", "STRIPE_WEBHOOK_SECRETS": "hunter2"}
        with pytest.raises(SettingsError) as refused:
            from_settings(load(monkeypatch, **given))

        for name in given:
            assert f"{name}: " in str(refused.value)
