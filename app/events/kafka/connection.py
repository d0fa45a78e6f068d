"""How clients of Kafka connect, as the settings say."""

import logging
from typing import Any, Final

from app.common.settings import Settings

#: What librdkafka reports by itself: lost connections, which it opens again.
_LOG: Final = logging.getLogger("kafka")
_LOG.setLevel(logging.ERROR)


def client_config(settings: Settings) -> dict[str, Any]:
    """The configuration that all clients share (librdkafka's CONFIGURATION.md)."""
    config: dict[str, Any] = {
        "bootstrap.servers": ",".join(settings.kafka_bootstrap_servers),
        "client.id": "payment-flow",
        "security.protocol": settings.kafka_security_protocol,
        "logger": _LOG,
    }
    if settings.kafka_security_protocol.startswith("sasl"):
        config |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_username,
            "sasl.password": settings.kafka_password,
        }
    files = {
        "ssl.ca.location": settings.kafka_ca_file,
        "ssl.certificate.location": settings.kafka_certificate_file,
        "ssl.key.location": settings.kafka_key_file,
    }
    return config | {name: str(path) for name, path in files.items() if path is not None}
