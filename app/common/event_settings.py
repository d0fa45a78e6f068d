"""The settings of what other systems are told."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import marshmallow as ma
from marshmallow.validate import OneOf, Range

from app.common.env_fields import Addresses, Folder, optional_setting, setting
from app.common.retention_settings import RetentionSettings

_TEXT: Final = ma.fields.String()
_FLAG: Final = ma.fields.Boolean()


@dataclass(frozen=True)
class EventSettings(RetentionSettings):
    """The settings of sinks of events, of Redis Streams and of Kafka."""

    event_attempts: int = setting(
        ma.fields.Integer(validate=Range(1)),
        "12",
        "How often delivering an event to a sink may fail before it waits for an administrator:"
        " with 12, for about 20 minutes. Later events of the same record wait with it.",
        section="Events",
    )
    event_streams: bool = setting(
        _FLAG,
        "false",
        "Whether events are published in Redis Streams, one for each type: `events:` and its name,"
        " in the Redis of `REDIS_URL`.",
    )
    event_stream_length: int = setting(
        ma.fields.Integer(validate=Range(100)),
        "10000",
        "About how many events each stream keeps, at least 100. One takes about 0.5 kB.",
    )
    kafka_bootstrap_servers: tuple[str, ...] = setting(
        Addresses(),
        "",
        "Brokers of Kafka as `host:port`, separated by commas. With them, events are published in"
        " topics named like their types, and `notification-request` is consumed.",
    )
    kafka_security_protocol: str = setting(
        ma.fields.String(validate=OneOf(["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"])),
        "plaintext",
        "How brokers are reached: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.",
    )
    kafka_sasl_mechanism: str = setting(
        ma.fields.String(validate=OneOf(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])),
        "SCRAM-SHA-512",
        "`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`, with a SASL protocol.",
    )
    kafka_username: str | None = optional_setting(_TEXT, "User, with a SASL protocol.")
    kafka_password: str | None = optional_setting(_TEXT, "Password of the user.", secret=True)
    kafka_ca_file: Path | None = optional_setting(
        Folder(),
        "File with the certificates of the authorities that brokers are verified with (PEM).",
        unset="those of the system",
    )
    kafka_certificate_file: Path | None = optional_setting(
        Folder(), "File with the certificate that identifies this installation to brokers (PEM)."
    )
    kafka_key_file: Path | None = optional_setting(
        Folder(), "File with the private key of that certificate (PEM)."
    )
    kafka_group: str = setting(
        _TEXT, "payment-flow", "Consumer group. Installations that share a cluster need their own."
    )
    kafka_partitions: int = setting(
        ma.fields.Integer(validate=Range(1)), "6", "Partitions of topics that do not exist yet."
    )
    kafka_replication: int = setting(
        ma.fields.Integer(validate=Range(1)),
        "3",
        "Replicas of topics that do not exist yet. A message is stored once all replicas but one"
        " have it.",
    )
