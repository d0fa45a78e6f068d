"""The configuration of banks, by default those of the simulator."""

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest

from app.banks.providers import Provider, from_settings, require_valid, to_json
from app.common.settings import Settings, SettingsError
from tests.environment import REQUIRED, empty_environment, load

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

RAW_KEY = b"hunter2" * 5
KEY = "whsec_" + base64.b64encode(RAW_KEY).decode()
BANK = {"code": "SBI", "name": "State Bank", "url": "https://bank.example/pay", "keys": [KEY]}


class TestProviders:
    def test_the_default_banks_are_those_of_the_simulator(self, tmp_path: Path) -> None:
        hdfc, axis = from_settings(Settings(data_dir=tmp_path, bank_port=4000))

        assert (hdfc.code, hdfc.name) == ("HDFC", "HDFC Bank")
        assert hdfc.url == "http://127.0.0.1:4000/hdfc"
        assert (axis.code, axis.name) == ("AXIS", "Axis Bank")
        assert axis.url == "http://127.0.0.1:4000/axis"

    def test_the_default_keys_are_derived_from_a_secret_in_the_data_folder(
        self, tmp_path: Path
    ) -> None:
        hdfc, axis = from_settings(Settings(data_dir=tmp_path))
        secret = (tmp_path / "bank-secret").read_bytes()

        assert hdfc.keys == (hmac.new(secret, b"HDFC", hashlib.sha256).digest(),)
        assert axis.keys != hdfc.keys
        assert from_settings(Settings(data_dir=tmp_path)) == (hdfc, axis)
        assert from_settings(Settings(data_dir=tmp_path / "other")) != (hdfc, axis)

    def test_in_production_there_are_only_configured_banks(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert from_settings(load(monkeypatch, APP_ENV="production", **REQUIRED)) == ()
        key = os.urandom(32)
        bank = BANK | {"keys": ["whsec_" + base64.b64encode(key).decode()]}
        assert from_settings(load(monkeypatch, BANK_PROVIDERS=json.dumps([bank]))) == (
            Provider("SBI", "State Bank", "https://bank.example/pay", (key,)),
        )

    def test_a_configured_list_replaces_the_default_even_if_it_is_empty(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        second = BANK | {"code": "SBI2", "url": "http://localhost:4000/sbi2/", "keys": [KEY, KEY]}

        found = from_settings(load(monkeypatch, BANK_PROVIDERS=json.dumps([BANK, second])))

        assert [bank.code for bank in found] == ["SBI", "SBI2"]
        assert (found[1].url, found[1].keys) == ("http://localhost:4000/sbi2", (RAW_KEY, RAW_KEY))
        assert from_settings(load(monkeypatch, BANK_PROVIDERS="[]")) == ()

    def test_the_representation_contains_no_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load(monkeypatch, BANK_PROVIDERS=json.dumps([BANK]))

        assert KEY not in repr(settings)
        assert KEY not in repr(from_settings(settings))
        assert "hunter2" not in repr(from_settings(settings))

    def test_serialized_providers_can_be_parsed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = from_settings(load(monkeypatch, BANK_PROVIDERS=json.dumps([BANK])))

        assert json.loads(to_json(found)) == [BANK]

    @pytest.mark.parametrize(
        "value",
        [
            "HDFC",
            "{}",
            "[1]",
            json.dumps([BANK | {"keys": []}]),
            json.dumps([BANK | {"keys": "hunter2"}]),
            json.dumps([BANK | {"keys": ["whsec_hunter2"]}]),
            json.dumps([BANK | {"keys": [KEY[:-12]]}]),
            json.dumps([BANK | {"keys": ["whsec_schlüssel"]}]),
            json.dumps([BANK | {"code": "sbi/.."}]),
            json.dumps([BANK | {"url": "bank.example"}]),
            json.dumps([BANK | {"secret": "hunter2"}]),
            json.dumps([BANK, BANK]),
        ],
    )
    def test_an_invalid_value_is_reported_in_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        settings = load(monkeypatch, BANK_PROVIDERS=value)
        with pytest.raises(SettingsError) as refused:
            from_settings(settings)

        message = str(refused.value)
        assert message.startswith("Invalid configuration: BANK_PROVIDERS: ")
        assert "\n" not in message
        assert "hunter2" not in message
        with pytest.raises(SettingsError, match="BANK_PROVIDERS"):
            require_valid(settings)
