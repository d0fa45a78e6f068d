"""Traces: what is recorded of a request and what follows from it, and that nobody waits for it."""

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import otlp, tracing
from app.common.settings import Settings, SettingsError, load_settings
from app.common.tracing import Kind, Span, SpanContext, Tracing
from app.events.handlers import Handler
from app.webhooks import handler as webhook_events
from app.webhooks.dispatch.client import Answer
from app.webhooks.dispatch.dispatcher import Dispatcher
from app.webhooks.dispatch.service import Attempt
from tests import factories, servers
from tests.collector import Collected, Collector
from tests.concurrency import all_at_once
from tests.events.relaying import Recorder, deliver_all
from tests.live import LiveServer, order, wait_until
from tests.orders.helpers import ORDERS, buy
from tests.ports import unused_port
from tests.webhooks.helpers import API as ENDPOINTS
from tests.webhooks.helpers import create
from tests.webhooks.receiver import Receiver

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@dataclass
class Spans:
    """An exporter that keeps what it is given."""

    exported: list[Span] = field(default_factory=list)

    def export(self, span: Span) -> None:
        self.exported.append(span)

    def named(self, name: str) -> list[Span]:
        return [span for span in self.exported if span.name == name]


@pytest.fixture
def spans() -> Spans:
    kept = Spans()
    tracing.tracing.configure(Tracing(kept))
    return kept


def purchase(client: FlaskClient, **headers: str) -> None:
    seller, buyer = factories.merchant(), factories.buyer("10.00")
    product_id = factories.product(seller, price="10.00")
    sent = buyer.headers | headers
    assert client.post(ORDERS, json=order(str(product_id)), headers=sent).status_code == 201


def test_without_a_setting_there_is_no_span(client: FlaskClient) -> None:
    purchase(client, traceparent=TRACEPARENT)
    assert tracing.current.get() is None
    sink = deliver_all(Recorder())
    assert {event.trace_context for event in sink.received} == {None}


def test_a_purchase_its_batch_and_its_events_are_one_trace(
    client: FlaskClient, spans: Spans
) -> None:
    purchase(client, traceparent=TRACEPARENT)

    (request,) = spans.named("POST /api/v1/orders")
    assert (request.kind, str(request.parent)) == (Kind.SERVER, TRACEPARENT)
    assert request.attributes["http.response.status_code"] == 201
    (batch,) = spans.named("ledger batch")
    assert batch.parent == request.context
    assert request.began <= batch.began < batch.ended <= request.ended
    sink = deliver_all(Recorder())
    traced = [event for event in sink.received if event.trace_context is not None]
    assert {event.trace_context for event in traced} == {str(request.context)}
    assert {event.type for event in traced} >= {"order-completed"}
    delivered = spans.named("relay recorder")
    assert len(delivered) == len(traced)
    assert {span.parent for span in delivered} == {request.context}


def test_events_that_are_refused_say_so(client: FlaskClient, spans: Spans) -> None:
    purchase(client)
    sink = Recorder()
    deliver_all(sink)
    spans.exported.clear()
    refusing = Recorder("refusing", refused={event.id for event in sink.received})

    deliver_all(refusing)

    assert {span.has_failed for span in spans.named("relay refusing")} == {True}


def test_the_attempt_to_deliver_a_webhook_belongs_to_the_trace(
    committing: Flask, spans: Spans
) -> None:
    client = committing.test_client()
    seller, buyer = factories.merchant(), factories.buyer("10.00")
    product_id = factories.product(seller, price="10.00")
    create(client, seller, "http://127.0.0.1:1/hook")
    assert buy(client, buyer, product_id).status_code == 201
    (request,) = spans.named("POST /api/v1/orders")
    deliver_all(Handler("webhooks", webhook_events.handle, webhook_events.TYPES))
    sent: list[Attempt] = []

    def answer(attempt: Attempt) -> Answer:
        sent.append(attempt)
        return Answer(timedelta(0), 503, "Answered with 503.")

    dispatcher = Dispatcher(threads=2, send=answer)
    dispatcher.run(until=lambda: bool(sent))

    attempt, *_ = spans.named("webhook attempt")
    assert (attempt.parent, attempt.kind) == (request.context, Kind.CLIENT)
    assert attempt.attributes["http.response.status_code"] == 503
    assert attempt.has_failed
    # A merchant is told nothing of our traces.
    assert "traceparent" not in sent[0].headers()


def test_the_trace_of_a_client_is_continued_only_if_it_is_well_formed() -> None:
    always, never = Tracing(Spans(), 1.0), Tracing(Spans(), 0.0)
    zeros = f"00-{'0' * 32}-{'0' * 16}-01"
    for header in (None, "", zeros, TRACEPARENT + "x", TRACEPARENT.upper(), "01" + TRACEPARENT[2:]):
        span = always.begin(header)
        assert span is not None
        assert span.parent is None
        assert f"{span.context.trace_id:032x}" != TRACE_ID
    assert never.begin(TRACEPARENT) is None
    assert never.begin(None) is None


def test_the_share_of_traced_requests_is_the_configured_one() -> None:
    some = Tracing(Spans(), 0.25)
    traced = sum(some.begin(None) is not None for _ in range(4000))
    assert 800 < traced < 1200
    # All services with the same ratio trace the same requests.
    decisions = {some.begin(TRACEPARENT) is None for _ in range(10)}
    assert len(decisions) == 1


def test_a_batch_is_linked_with_each_of_its_requests(spans: Spans) -> None:
    requests = [Span("", SpanContext(number, 1)) for number in (1, 2, 3)]

    tracing.export_batch("batch", requests, began=time.time_ns(), size=5)

    (batch,) = spans.exported
    assert batch.parent == requests[0].context
    assert batch.links == [request.context for request in requests[1:]]
    assert [request.links for request in requests] == [[], [batch.context], [batch.context]]
    assert batch.attributes == {"payment_flow.batch.size": 5}


class TestExport:
    def test_spans_arrive_with_their_attributes_and_links(self, settings: Settings) -> None:
        with Collector.open() as collector:
            configured = replace(
                settings,
                otel_exporter_otlp_endpoint=collector.url,
                otel_exporter_otlp_headers=(("authorization", "Bearer secret"),),
            )
            with otlp.exported(configured, process="web-0"):
                parent = SpanContext(int(TRACE_ID, 16), 1)
                tracing.export(
                    Span(
                        "done",
                        parent.child(),
                        parent,
                        attributes={"http.route": "/orders", "size": 3},
                        links=[SpanContext(5, 6)],
                    )
                )
            assert not tracing.is_on()

        (span,) = collector.spans
        assert (span.name, span.process, span.trace_id) == ("done", "web-0", TRACE_ID)
        assert span.parent_id == f"{1:016x}"
        assert span.links == (f"{6:016x}",)
        assert span.attributes == {"http.route": "/orders", "size": 3}
        (request,) = collector.requests
        assert (request["path"], request["authorization"]) == ("/v1/traces", "Bearer secret")

    @pytest.mark.parametrize("state", ["away", "hangs"])
    def test_a_collector_that_does_not_answer_delays_nothing(
        self, settings: Settings, state: str
    ) -> None:
        with Collector.open(hangs=True) as collector:
            endpoint = collector.url if state == "hangs" else f"http://127.0.0.1:{unused_port()}"
            configured = replace(settings, otel_exporter_otlp_endpoint=endpoint, trace_ratio=1)
            with otlp.exported(configured, process="web-0"):
                span = Span("lost", SpanContext(1, 1))
                began = time.monotonic()
                for _ in range(20_000):  # more than the queue takes
                    tracing.export(span)
                assert time.monotonic() - began < 2
            # Ending the process does not wait for long either.
            assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "no header"),
        ("TRACE_RATIO", "1.5"),
    ],
)
def test_invalid_settings_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


def test_headers_are_read_as_opentelemetry_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20a=b, x-team=pay,")
    read = load_settings().otel_exporter_otlp_headers
    assert read == (("authorization", "Bearer a=b"), ("x-team", "pay"))


@pytest.mark.stress
def test_processes_trace_purchases_from_the_request_to_the_webhook(
    settings: Settings, worker_number: int
) -> None:
    with (
        Collector.open() as collector,
        Receiver.open() as receiver,
        servers.database(f"payment_flow_live_{worker_number}") as made,
        LiveServer.start(
            settings,
            made,
            workers=1,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            TRACE_RATIO="1",
        ) as server,
        server.worker(),
    ):
        seller = server.sign_up("seller", role="MERCHANT")
        endpoint = {"url": receiver.url, "eventTypes": ["order-completed"]}
        assert server.call("POST", ENDPOINTS, endpoint, token=seller).status == 201
        product_id = server.create_product(seller, price="1.00", units=100)
        buyer = server.sign_up("buyer", balance="100.00")

        def place_order(number: int) -> int:
            trace = {"traceparent": f"00-{number + 1:032x}-{1:016x}-01"}
            body = order(product_id)
            return server.call("POST", ORDERS, body, token=buyer, headers=trace).status

        assert all_at_once(place_order, range(16), threads=8) == [201] * 16
        wait_until(lambda: len(receiver.received) == 16, seconds=120)

        def trace(number: int) -> dict[str, list[Collected]]:
            return collector.of_trace(f"{number + 1:032x}")

        names = {"POST /api/v1/orders", "relay webhooks", "webhook attempt"}
        wait_until(lambda: all(names <= trace(number).keys() for number in range(16)))
        batches = [span for span in collector.spans if span.name == "ledger batch"]
        for number in range(16):
            found = trace(number)
            (request,) = found["POST /api/v1/orders"]
            assert request.parent_id == f"{1:016x}"
            assert request.process == "web-0"
            (attempt,) = found["webhook attempt"]
            assert (attempt.parent_id, attempt.process) == (request.span_id, "webhooks")
            assert found["relay webhooks"][0].process == "relay"
            # Its batch is a part of its trace, or linked with it in both directions.
            (batch,) = [
                batch
                for batch in batches
                if request.span_id == batch.parent_id or request.span_id in batch.links
            ]
            assert batch.parent_id == request.span_id or batch.span_id in request.links
        assert not any("traceparent" in map(str.lower, one.headers) for one in receiver.received)
