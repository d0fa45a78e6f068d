"""Publishing events in Kafka, on the mock cluster of librdkafka."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError
from sqlalchemy.orm import Session

from app.common import circuit
from app.common.ids import new_id
from app.common.tracing import SpanContext
from app.events.kafka.sink import KafkaSink, _waves
from app.events.messages import MESSAGE_TYPES
from app.events.sinks import SinkUnavailable, StoredEvent
from tests.events.kafka.helpers import body, by_key, event, read, reader, sink_of
from tests.events.kafka.mock_cluster import PRODUCE, MockCluster, mock_cluster

#: The sink writes nothing in the transaction of its caller.
NO_SESSION = cast("Session", None)


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster() as running:
        running.create(MESSAGE_TYPES)
        yield running


@pytest.fixture(autouse=True)
def _own_circuit() -> None:
    """A circuit that no other test has opened."""
    circuit.configure(None)


def ids(events: list[StoredEvent]) -> list[str]:
    return [str(each.id) for each in events]


def deliver(sink: KafkaSink, events: list[StoredEvent]) -> dict[Any, str]:
    return dict(sink.deliver(NO_SESSION, events))


class TestPublishing:
    def test_an_event_is_a_cloud_event_in_the_topic_of_its_type(self, cluster: MockCluster) -> None:
        placed = event("hold-placed", amount=1250)

        assert deliver(sink_of(cluster.servers), [placed]) == {}

        (message,) = read(cluster.servers, "hold-placed")
        assert message.key() == str(placed.aggregate_id).encode()
        assert message.headers() == [
            ("content-type", b"application/cloudevents+json; charset=UTF-8")
        ]
        assert message.timestamp()[1] == placed.occurred_at.timestamp() * 1000
        sent = body(message)
        assert (sent["id"], sent["type"]) == (str(placed.id), "hold-placed")
        assert sent["data"] == {"amount": 1250}

    def test_a_traced_event_has_its_trace(self, cluster: MockCluster) -> None:
        trace = str(SpanContext(1, 2))
        traced = replace(event("hold-released", amount=1250), trace_context=trace)

        assert deliver(sink_of(cluster.servers), [traced]) == {}

        (message,) = read(cluster.servers, "hold-released")
        assert ("traceparent", trace.encode()) in (message.headers() or [])
        assert body(message)["traceparent"] == trace

    def test_a_transfer_is_published_as_the_steps_of_a_payment(self, cluster: MockCluster) -> None:
        parties = {"senderId": str(new_id()), "receiverId": str(new_id())}
        sent = event("transfer-completed", **parties, amount=500, currency="USD")
        names = (
            "transaction-initiated",
            "debit-completed",
            "credit-completed",
            "transaction-completed",
            "transfer-completed",
        )

        assert deliver(sink_of(cluster.servers), [sent]) == {}

        messages = read(cluster.servers, *names)
        assert {message.topic() for message in messages} == set(names)
        assert {message.key() for message in messages} == {str(sent.aggregate_id).encode()}
        assert len({body(message)["id"] for message in messages}) == 5

    def test_2000_events_are_in_order_per_key_for_a_group_of_consumers(
        self, cluster: MockCluster
    ) -> None:
        wallets = [new_id() for _ in range(20)]
        events = [
            event("balance-updated", wallets[number % 20], number // 20 + 1)
            for number in range(2000)
        ]
        sink = sink_of(cluster.servers)

        for start in range(0, 2000, 500):
            assert deliver(sink, events[start : start + 500]) == {}

        found = by_key(read(cluster.servers, "balance-updated"))
        assert found == {
            str(wallet): ids([each for each in events if each.aggregate_id == wallet])
            for wallet in wallets
        }

    def test_the_group_shares_the_partitions(self, cluster: MockCluster) -> None:
        events = [event("payout-paid") for _ in range(60)]
        found: list[list[str]] = [[], []]

        with (
            reader(cluster.servers, "payout-paid", group="two") as one,
            reader(cluster.servers, "payout-paid", group="two") as other,
        ):
            ends_at = time.monotonic() + 120
            is_sent = False
            while sum(map(len, found)) < 60 and time.monotonic() < ends_at:
                # What was read before both have joined may be read again after it.
                if not is_sent and one.assignment() and other.assignment():
                    assert deliver(sink_of(cluster.servers), events) == {}
                    is_sent = True
                for number, consumer in enumerate((one, other)):
                    messages = consumer.consume(10, timeout=0.2)
                    found[number] += [body(each)["id"] for each in messages if not each.error()]

        assert sorted(found[0] + found[1]) == sorted(ids(events))
        assert all(found)


class TestOutage:
    def test_the_loss_of_a_broker_costs_no_event_and_no_order(self, cluster: MockCluster) -> None:
        holds = [new_id() for _ in range(9)]
        events = [event("hold-captured", holds[n % 9], n // 9 + 1) for n in range(180)]
        sink = sink_of(cluster.servers, seconds=20)
        deliver(sink, events[:60])
        returns = threading.Timer(1.0, cluster.start, [2])

        cluster.stop(2)
        returns.start()
        assert deliver(sink, events[60:]) == {}
        returns.join()

        found = by_key(read(cluster.servers, "hold-captured"))
        assert found == {
            str(hold): ids([each for each in events if each.aggregate_id == hold]) for hold in holds
        }

    @pytest.mark.stress
    def test_without_brokers_the_sink_is_unavailable_within_its_time(self) -> None:
        with mock_cluster() as cluster:
            cluster.create(MESSAGE_TYPES)
            sink = sink_of(cluster.servers, seconds=3)
            first, second = event("order-failed"), event("order-failed")
            deliver(sink, [first])

            cluster.stop(1, 2, 3)
            begun = time.monotonic()
            with pytest.raises(SinkUnavailable, match=r"Kafka does not accept events: .*\."):
                deliver(sink, [second])
            assert time.monotonic() - begun < 7

            cluster.start(1, 2, 3)
            assert deliver(sink_of(cluster.servers), [second]) == {}
            messages = read(cluster.servers, "order-failed")
            assert {body(each)["id"] for each in messages} == {str(first.id), str(second.id)}

    def test_brokers_that_never_answer_are_unavailable(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("app.events.kafka.topics._SECONDS", 0.5)

        with pytest.raises(SinkUnavailable, match="Kafka does not accept events"):
            deliver(sink_of(["127.0.0.1:1"]), [event("order-failed")])

    def test_after_some_failures_the_circuit_is_open(
        self, monkeypatch: Any, worker_app: object
    ) -> None:
        from app.common import cache

        circuit.configure(cache.client())
        monkeypatch.setattr("app.events.kafka.topics._SECONDS", 0.1)
        sink = sink_of(["127.0.0.1:1"])

        try:
            assert circuit.is_closed("kafka")
            for _ in range(circuit.MAX_FAILURES):
                with pytest.raises(SinkUnavailable):
                    deliver(sink, [event("order-failed")])
            with pytest.raises(SinkUnavailable, match="a moment ago"):
                deliver(sink, [event("order-failed")])
            assert not circuit.is_closed("kafka")
        finally:
            cache.client().flushdb()


class TestRefusals:
    def test_a_message_that_is_too_large_holds_back_its_successors_only(
        self, cluster: MockCluster
    ) -> None:
        order, other = new_id(), new_id()
        before = event("order-pending", order, 1)
        large = event("order-cancelled", order, 2, reason="x" * 2_000_000)
        after = event("refund-flagged", order, 3)
        unrelated = event("refund-flagged", other, 1)

        refused = deliver(sink_of(cluster.servers), [before, large, after, unrelated])

        assert list(refused) == [large.id, after.id]
        assert refused[large.id].endswith("Message size too large.")
        assert refused[after.id] == "An earlier event of the aggregate was not published."
        published = read(cluster.servers, "order-pending", "refund-flagged")
        assert {body(each)["id"] for each in published} == {str(before.id), str(unrelated.id)}

    def test_a_refusal_by_the_broker_concerns_only_the_message_that_causes_it(
        self, cluster: MockCluster
    ) -> None:
        payout = new_id()
        events = [event("payout-refused", payout, n) for n in range(1, 4)]
        # The broker refuses the request with all three, and then the first one alone.
        for _ in range(2):
            cluster.fail(PRODUCE, KafkaError.INVALID_RECORD)

        refused = deliver(sink_of(cluster.servers), events)

        assert list(refused) == [each.id for each in events]
        assert deliver(sink_of(cluster.servers), events) == {}
        found = by_key(read(cluster.servers, "payout-refused"))
        assert found == {str(payout): ids(events)}

    def test_neighbours_of_a_refused_message_are_published(self, cluster: MockCluster) -> None:
        events = [event("payout-flagged") for _ in range(5)]
        cluster.fail(PRODUCE, KafkaError.INVALID_RECORD)

        assert deliver(sink_of(cluster.servers), events) == {}

        messages = read(cluster.servers, "payout-flagged")
        assert {body(each)["id"] for each in messages} == set(ids(events))

    def test_without_permission_nothing_is_lost(self, cluster: MockCluster) -> None:
        events = [event("licence-revoked")]
        cluster.fail(PRODUCE, KafkaError.TOPIC_AUTHORIZATION_FAILED)
        sink = sink_of(cluster.servers)

        with pytest.raises(SinkUnavailable, match="authorization"):
            deliver(sink, events)

        assert deliver(sink, events) == {}

    def test_what_was_acknowledged_is_not_published_again(self, cluster: MockCluster) -> None:
        """An aggregate's events in two topics: the second is refused while the first is stored."""
        licence = new_id()
        first, second = (
            event("licence-activated", licence, 1),
            event("licence-reissued", licence, 2),
        )
        sink = sink_of(cluster.servers)
        deliver(sink, [event("licence-activated")])
        sink._send([first])
        cluster.fail(PRODUCE, KafkaError.TOPIC_AUTHORIZATION_FAILED)

        with pytest.raises(SinkUnavailable):
            deliver(sink, [first, second])
        assert deliver(sink, [first, second]) == {}

        found = by_key(read(cluster.servers, "licence-activated", "licence-reissued"))
        assert found[str(licence)].count(str(first.id)) == 1


class TestOrder:
    def test_events_of_an_aggregate_in_one_topic_are_sent_together(self) -> None:
        wallet = new_id()
        events = [event("balance-updated", wallet, n) for n in range(9)]

        assert list(_waves(events)) == [events]

    def test_an_event_in_another_topic_is_sent_later(self) -> None:
        order, other = new_id(), new_id()
        pending, completed = event("order-pending", order, 1), event("order-completed", order, 2)
        refunds = [event("order-refunded", order, n) for n in (3, 4)]
        unrelated = event("order-refunded", other)

        waves = list(_waves([pending, completed, *refunds, unrelated]))

        assert waves == [[pending, unrelated], [completed], refunds]
