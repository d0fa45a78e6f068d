"""The topics of Kafka, which are created if they do not exist."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

_log = structlog.get_logger()

#: Seconds that brokers may take to answer.
_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class TopicShape:
    """Partitions and replicas of new topics."""

    partitions: int
    replication: int

    def topic(self, name: str) -> NewTopic:
        # All replicas but one must have a message, so one broker can be lost, and be away.
        in_sync = max(1, self.replication - 1)
        return NewTopic(
            name,
            num_partitions=self.partitions,
            replication_factor=self.replication,
            config={"min.insync.replicas": str(in_sync)},
        )


def create_missing(config: Mapping[str, Any], names: Collection[str], shape: TopicShape) -> None:
    """Create those of the topics that do not exist. config: of the client.

    Raises KafkaException if the brokers do not answer or refuse.
    """
    admin = AdminClient(dict(config))
    existing = admin.list_topics(timeout=_SECONDS).topics
    missing = [shape.topic(name) for name in sorted(names) if name not in existing]
    if not missing:
        return
    created = admin.create_topics(missing, operation_timeout=_SECONDS, request_timeout=_SECONDS)
    for name, result in created.items():
        try:
            result.result()
        except KafkaException as error:
            if code_of(error) != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        else:
            _log.info("kafka_topic_created", topic=name)


def code_of(error: KafkaException) -> int:
    return int(error.args[0].code())
