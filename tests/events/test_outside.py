"""Which sinks outside of the application there are, and what web processes load of them."""

import ast
from dataclasses import replace

import marshmallow as ma
import pytest

from app.common.env_fields import Addresses
from app.common.settings import PROJECT_ROOT, Settings, SettingsError
from app.events.kafka.connection import client_config
from app.events.messages import PUBLISHED_EVENTS
from app.events.outside import sinks_of

KAFKA = Settings(kafka_bootstrap_servers=("broker-1:9092", "broker-2:9092"))


class TestSinks:
    def test_by_default_there_are_none(self) -> None:
        assert sinks_of(Settings()) == []

    def test_the_settings_add_them(self) -> None:
        settings = replace(KAFKA, event_streams=True, redis_url="redis://127.0.0.1:1/0")

        sinks = sinks_of(settings)

        assert [sink.name for sink in sinks] == ["redis-streams", "kafka"]
        assert all(sink.types == set(PUBLISHED_EVENTS) for sink in sinks)

    def test_streams_without_redis_are_refused(self) -> None:
        with pytest.raises(SettingsError, match="REDIS_URL"):
            sinks_of(Settings(event_streams=True))


class TestConnection:
    def test_a_plain_connection(self) -> None:
        config = client_config(KAFKA)

        assert config["bootstrap.servers"] == "broker-1:9092,broker-2:9092"
        assert config["security.protocol"] == "plaintext"
        assert not any(name.startswith(("sasl", "ssl")) for name in config)

    def test_a_connection_with_a_password_and_certificates(self) -> None:
        config = client_config(
            replace(
                KAFKA,
                kafka_security_protocol="sasl_ssl",
                kafka_username="pay",
                kafka_password="s3cret",
                kafka_ca_file=PROJECT_ROOT / "ca.pem",
            )
        )

        assert config["sasl.mechanism"] == "SCRAM-SHA-512"
        assert (config["sasl.username"], config["sasl.password"]) == ("pay", "s3cret")
        assert config["ssl.ca.location"] == str(PROJECT_ROOT / "ca.pem")

    def test_a_password_is_required_with_sasl(self) -> None:
        with pytest.raises(SettingsError, match="KAFKA_PASSWORD"):
            replace(KAFKA, kafka_security_protocol="sasl_ssl", kafka_username="pay")

    def test_half_a_certificate_is_refused(self) -> None:
        with pytest.raises(SettingsError, match="KAFKA_KEY_FILE"):
            replace(KAFKA, kafka_certificate_file=PROJECT_ROOT / "client.pem")


class TestServers:
    @pytest.mark.parametrize("text", ["broker-1:9092, 10.0.0.2:9093", "[fe80::1]:9092"])
    def test_addresses_of_brokers(self, text: str) -> None:
        assert len(Addresses().deserialize(text)) == text.count(",") + 1

    @pytest.mark.parametrize("text", ["broker-1", "kafka://broker-1:9092", "broker-1:9092;x:1"])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ma.ValidationError, match="must look like broker-1:9092"):
            Addresses().deserialize(text)


class TestImports:
    def test_the_client_of_kafka_is_imported_by_its_package_only(self) -> None:
        """And nothing outside of the package imports these modules at module level."""
        clients = {"topics", "sink", "consumer"}
        for path in (PROJECT_ROOT / "app").rglob("*.py"):
            names = {
                f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
                for node in ast.parse(path.read_text()).body
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            }
            if path.parent.name != "kafka":
                loaded = {name for name in names if name.startswith("app.events.kafka.")}
                assert not {name.split(".")[3] for name in loaded} & clients, path
                assert not any(name.startswith("confluent_kafka") for name in names), path
