"""Publishing and consuming with three brokers of Apache Kafka, of which one is killed."""

import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from flask import Flask
from sqlalchemy.orm import Session

from app.common import circuit
from app.common.ids import new_id
from app.common.settings import Settings
from app.events.kafka.sink import KafkaSink
from app.events.messages import MESSAGE_TYPES
from app.events.sinks import StoredEvent
from tests.events.kafka.helpers import body, by_key, config_of, event, publish, read, sink_of
from tests.events.kafka.real_cluster import MISSING, RealCluster, real_cluster
from tests.events.kafka.test_consumer import TOPIC, USER, consuming, recorded, wait_until

pytestmark = [
    pytest.mark.stress,
    pytest.mark.skipif(bool(MISSING), reason=f"Apache Kafka needs {MISSING}, which is missing"),
]

#: The sink writes nothing in the transaction of its caller.
NO_SESSION = cast("Session", None)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    with real_cluster(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(autouse=True)
def _own_circuit() -> None:
    circuit.configure(None)


def deliver(sink: KafkaSink, events: list[StoredEvent]) -> dict[Any, str]:
    return dict(sink.deliver(NO_SESSION, events))


def alter(cluster: RealCluster, topic: str, **values: str) -> None:
    """Change settings of a topic."""
    entries = [
        ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for name, value in values.items()
    ]
    resource = ConfigResource("topic", topic, incremental_configs=entries)
    admin = AdminClient(config_of(cluster.servers))
    for result in admin.incremental_alter_configs([resource]).values():
        result.result()


def test_topics_are_created_with_partitions_and_replicas(cluster: RealCluster) -> None:
    assert deliver(sink_of(cluster.servers, seconds=30), [event("hold-placed")]) == {}

    admin = AdminClient(config_of(cluster.servers))
    topics = admin.list_topics(timeout=10).topics
    assert set(topics) >= set(MESSAGE_TYPES)
    partitions = topics["hold-placed"].partitions.values()
    assert [len(each.replicas) for each in partitions] == [3, 3, 3]
    (described,) = admin.describe_configs([ConfigResource("topic", "hold-placed")]).values()
    assert described.result()["min.insync.replicas"].value == "2"


def test_2000_events_are_in_order_per_key_although_a_broker_is_killed(
    cluster: RealCluster,
) -> None:
    wallets = [new_id() for _ in range(20)]
    events = [event("balance-updated", wallets[n % 20], n // 20 + 1) for n in range(2000)]
    sink = sink_of(cluster.servers, seconds=60)
    killer = threading.Timer(0.05, cluster.kill, [2])

    assert deliver(sink, events[:500]) == {}
    killer.start()
    for start in range(500, 2000, 100):
        assert deliver(sink, events[start : start + 100]) == {}
    killer.join()
    cluster.restart(2)
    cluster.wait_until_complete()

    found = by_key(read(cluster.servers, "balance-updated"))
    assert found == {
        str(wallet): [str(each.id) for each in events if each.aggregate_id == wallet]
        for wallet in wallets
    }


def test_a_message_that_the_brokers_refuse_holds_back_its_successors_only(
    cluster: RealCluster,
) -> None:
    sink = sink_of(cluster.servers, seconds=30)
    assert deliver(sink, [event("payout-flagged")]) == {}
    alter(cluster, "payout-flagged", max_message_bytes="3000")
    payout, other = new_id(), new_id()
    noise = secrets.token_hex(5000)  # which cannot be compressed
    before = event("payout-submitted", payout, 1)
    large = event("payout-flagged", payout, 2, reason=noise)
    after = event("payout-paid", payout, 3)
    unrelated = [event("payout-flagged", other, 1), event("payout-paid", other, 2)]

    refused = deliver(sink, [before, large, after, *unrelated])

    assert set(refused) == {large.id, after.id}
    assert "Message size too large" in refused[large.id]
    published = {
        body(each)["id"]
        for each in read(cluster.servers, "payout-submitted", "payout-flagged", "payout-paid")
    }
    assert published >= {str(each.id) for each in (before, *unrelated)}
    assert published.isdisjoint({str(large.id), str(after.id)})


def test_requests_are_recorded_once_although_a_broker_is_killed(
    cluster: RealCluster, committing: Flask, settings: Settings
) -> None:
    values = [
        json.dumps(
            {
                "specversion": "1.0",
                "id": str(number),
                "source": "/billing",
                "type": TOPIC,
                "data": {"userId": USER, "subject": f"request {number}", "text": "It ends."},
            }
        ).encode()
        for number in range(200)
    ]
    kafka = replace(settings, kafka_bootstrap_servers=cluster.servers, kafka_partitions=3)

    with consuming(kafka):
        wait_until(lambda: TOPIC in AdminClient(config_of(cluster.servers)).list_topics().topics)
        publish(cluster.servers, TOPIC, *values[:100])
        wait_until(lambda: len(recorded("request")) == 100, seconds=60)
        cluster.kill(1)
        publish(cluster.servers, TOPIC, *values[100:], *values[:50])
        wait_until(lambda: len(recorded("request")) == 200, seconds=90)
    cluster.restart(1)
    cluster.wait_until_complete()

    assert sorted(recorded("request")) == sorted(f"request {number}" for number in range(200))
