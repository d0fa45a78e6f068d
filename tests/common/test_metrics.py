"""Metrics, as Prometheus scrapes them."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import worker
from app.common import clock, db, metric_files, queue
from app.common.settings import PROJECT_ROOT, Settings
from app.events.kafka import consumer
from app.health import service as health
from app.inbox import tasks as inbox
from app.insights.health import service as insights_health
from app.insights.health.models import BackupKind
from app.live import counters
from app.notifications import queue as mail_queue
from tests import factories, servers
from tests.concurrency import all_at_once
from tests.events.relaying import Recorder, deliver_all
from tests.live import Api, LiveServer, order, wait_until
from tests.metrics import AUTHORIZED, TOKEN
from tests.orders.helpers import ORDERS, buy
from tests.ports import unused_port
from tests.responses import error_body, refusal
from tests.webhooks.helpers import API as ENDPOINTS
from tests.webhooks.receiver import Receiver


@pytest.fixture
def with_reports(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that can be configured reports to those who watch: the relay's sinks and backups, too."""
    with db.transaction() as session:
        insights_health.record_backup(
            session, kind=BackupKind.FULL, size=41_000_000, started_at=clock.now()
        )
    monkeypatch.setattr(insights_health.repository, "get_archive_lag", lambda _: 4096)
    monkeypatch.setattr(health, "_CHECK_SECONDS", 20)  # a busy machine reports as well
    health.reports.subscribe("kafka", partial(health.report_circuit, "kafka"))
    health.reports.subscribe("mail", mail_queue.report)
    deliver_all(Recorder())


@pytest.fixture(autouse=True)
def with_token(change_settings: Callable[..., None]) -> None:
    change_settings(metrics_token=TOKEN)


def numbers(exposition: str) -> dict[str, float]:
    """Every sample, by name and labels."""
    return {
        f"{sample.name}{list(sample.labels.values()) or ''}": sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def scrape(client: FlaskClient) -> dict[str, float]:
    return numbers(client.get("/metrics", headers=AUTHORIZED).text)


def test_without_a_configured_token_the_endpoint_does_not_exist(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    change_settings(metrics_token=None)

    answer = client.get("/metrics", headers=AUTHORIZED)

    assert refusal(answer) == (404, "NOT_FOUND")
    assert error_body(answer)["message"] == client.get("/nowhere").json["message"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        "Bearer \xe9",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
    ],
)
def test_any_other_credential_is_refused(client: FlaskClient, header: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": header})

    assert refusal(answer) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_access_token_of_a_user_is_refused(client: FlaskClient) -> None:
    for user in (factories.buyer(), factories.admin()):
        assert client.get("/metrics", headers=user.headers).status_code == 401


def test_every_metric_exists_from_the_start(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers=AUTHORIZED)

    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert {
        "payment_flow_ledger_batch_size_count",
        "payment_flow_ledger_batch_size_bucket['64.0']",
        "payment_flow_ledger_wait_seconds_sum",
        "payment_flow_ledger_wait_seconds_bucket['0.001']",
        "payment_flow_ledger_wait_seconds_bucket['10.0']",
        "payment_flow_ledger_refused_total['full']",
        "payment_flow_ledger_refused_total['deadline']",
        "payment_flow_transaction_retries_total",
    } <= set(numbers(answer.text))


def test_successful_and_refused_purchases_are_counted(client: FlaskClient) -> None:
    product_id = factories.product(factories.merchant(), price="10.00")
    before = scrape(client)

    assert buy(client, factories.buyer("10.00"), product_id).status_code == 201
    assert buy(client, factories.buyer("9.99"), product_id).status_code == 400

    after = scrape(client)
    grown = {name for name in after if after[name] > before.get(name, 0)}
    assert "payment_flow_ledger_wait_seconds_sum" in grown
    for name in ("batch_size_count", "batch_size_sum", "batch_size_bucket['1.0']"):
        name = f"payment_flow_ledger_{name}"
        assert after[name] - before[name] == 2
    waited = "payment_flow_ledger_wait_seconds_count"
    assert after[waited] - before[waited] == 2
    assert not any("refused" in name or "retries" in name for name in grown)


def test_movements_are_counted_by_kind_and_outcome(client: FlaskClient) -> None:
    product_id = factories.product(factories.merchant(), price="10.00")
    buyer = factories.buyer("15.00")
    before = scrape(client)

    key = {"Idempotency-Key": str(uuid4())}
    for headers in (key, key, {"Idempotency-Key": str(uuid4())}, {}):
        client.post(ORDERS, json=order(str(product_id)), headers=buyer.headers | headers)

    after = scrape(client)
    name = "payment_flow_movements_total['wallet_purchase', '{}']"
    assert {
        outcome: after[name.format(outcome)] - before.get(name.format(outcome), 0)
        for outcome in ("completed", "replayed", "INSUFFICIENT_FUNDS")
    } == {"completed": 1, "replayed": 1, "INSUFFICIENT_FUNDS": 2}


def test_requests_are_counted_by_the_template_of_their_route(client: FlaskClient) -> None:
    before = scrape(client)

    for path in (f"/api/v1/products/{uuid4()}", f"/api/v1/products/{uuid4()}", "/nowhere", "/x"):
        client.get(path)
    client.open("/nowhere", method="BREW")

    after = scrape(client)
    grown = {name: after[name] - before.get(name, 0) for name in after}
    template = "/api/v1/products/{product_id}"
    assert grown[f"payment_flow_http_requests_total['GET', '{template}', '404']"] == 2
    assert grown[f"payment_flow_http_request_seconds_count['GET', '{template}']"] == 2
    assert grown["payment_flow_http_requests_total['none', 'none', '404']"] == 3
    assert not any("nowhere" in name or "BREW" in name for name in after)


def test_reads_of_cached_responses_are_counted(client: FlaskClient) -> None:
    name = "payment_flow_cache_reads_total['{}', 'products']"
    before = scrape(client)

    for _ in range(3):
        client.get("/api/v1/products")

    after = scrape(client)
    grown = {
        outcome: after[name.format(outcome)] - before[name.format(outcome)]
        for outcome in ("local", "shared", "missed", "unavailable")
    }
    assert grown["missed"] == 1
    assert grown["local"] + grown["shared"] == 2


def test_passwords_wait_in_a_queue_that_is_measured(client: FlaskClient) -> None:
    name = "payment_flow_password_hash_wait_seconds_count"
    before = scrape(client)[name]

    client.post("/api/v1/auth/login", json={"email": "nobody", "password": "x"})

    assert scrape(client)[name] == before + 1


def test_the_use_of_database_connections_is_measured(committing: Flask) -> None:
    client = committing.test_client()
    name = "payment_flow_database_in_use_seconds_total['{}']"
    before = scrape(client)

    product_id = factories.product(factories.merchant(), price="10.00")
    buy(client, factories.buyer("10.00"), product_id)

    after = scrape(client)
    for pool in ("requests", "ledger"):
        assert 0 < after[name.format(pool)] - before[name.format(pool)] < 20


def test_jobs_that_wait_are_counted(client: FlaskClient) -> None:
    def jobs() -> dict[str, float]:
        return {name: value for name, value in scrape(client).items() if "_jobs_" in name}

    queue._connection().flushdb()
    assert set(jobs().values()) == {0}
    queue.enqueue(inbox.sweep)
    queue.enqueue(inbox.sweep)

    waiting = jobs()
    assert waiting["payment_flow_jobs_waiting['default']"] == 2
    assert waiting["payment_flow_jobs_waiting['outbound']"] == 0
    assert 0 < waiting["payment_flow_jobs_delay_seconds['default']"] < 20
    queue._connection().flushdb()


def test_every_metric_is_documented(client: FlaskClient, with_reports: None) -> None:
    assert all((worker, consumer, counters))  # what counts in them is imported
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    documented = set(re.findall(r"^\| `(payment_flow_\w+)", page, re.M))
    text = client.get("/metrics", headers=AUTHORIZED).text
    scraped = set(re.findall(r"^# TYPE (payment_flow_\w+) \w+", text, re.M))

    assert scraped == documented


def test_each_retry_is_counted(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "_PAUSE", (0, 0))
    attempts = []

    def work(session: Session) -> None:
        attempts.append(1)
        if len(attempts) < 4:
            session.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))

    before = scrape(client)
    db.retry_transaction(work)

    name = "payment_flow_transaction_retries_total"
    assert scrape(client)[name] - before[name] == 3


def test_the_incomplete_file_of_a_starting_process_is_ignored(
    client: FlaskClient, tmp_path: Path
) -> None:
    (tmp_path / "counter_web-1.db").touch()
    metric_files.folder.configure(tmp_path)

    assert client.get("/metrics", headers=AUTHORIZED).status_code == 200
    metric_files.folder.configure(None)


@pytest.mark.stress
def test_every_process_reports_the_sum_of_all_including_ended_ones(
    settings: Settings, worker_number: int, tmp_path: Path
) -> None:
    with (
        servers.database(f"payment_flow_live_{worker_number}") as made,
        LiveServer.start(
            settings, made, workers=2, METRICS_TOKEN=TOKEN, TMPDIR=str(tmp_path)
        ) as server,
    ):
        buyer = server.sign_up("buyer", balance="100.00")
        seller = server.sign_up("seller", role="MERCHANT")
        product_id = server.create_product(seller, price="1.00", units=100)
        order = {"productId": product_id, "paymentMethod": "WALLET"}

        def place_order(_: int) -> int:
            return server.call("POST", "/api/v1/orders", order, token=buyer).status

        def counted() -> set[tuple[float, float]]:
            """Movements that waited and that were in batches, as each process reports them."""
            reports = (numbers(server.call("GET", "/metrics", token=TOKEN).text) for _ in range(12))
            return {
                (
                    report["payment_flow_ledger_wait_seconds_count"],
                    report["payment_flow_ledger_batch_size_sum"],
                )
                for report in reports
            }

        assert server.call("GET", "/metrics").status == 401
        assert all_at_once(place_order, range(40), threads=8) == [201] * 40
        assert counted() == {(41, 41)}  # with the deposit of the balance

        (folder,) = tmp_path.glob("payment-flow-metrics-*")
        files = sorted(folder.iterdir())
        assert len(files) == 1 + 2 * 3  # the lock; counters and histograms of the three processes
        for _ in range(2):
            killed, other = server.web_processes()
            killed.kill()
            wait_until(lambda: len(set(server.web_processes()) - {killed, other}) == 1)  # noqa: B023
            assert counted() == {(41, 41)}  # with the deposit of the balance
        assert place_order(0) == 201
        assert counted() == {(42, 42)}
        assert sorted(folder.iterdir()) == files

    assert list(tmp_path.iterdir()) == []


@pytest.mark.stress
def test_the_worker_reports_the_sum_of_its_processes(
    settings: Settings, worker_number: int, tmp_path: Path
) -> None:
    port = unused_port()
    with (
        servers.database(f"payment_flow_live_{worker_number}") as made,
        LiveServer.start(
            settings,
            made,
            workers=1,
            METRICS_TOKEN=TOKEN,
            WORKER_METRICS_PORT=str(port),
            TMPDIR=str(tmp_path),
        ) as server,
        Receiver.open() as receiver,
    ):
        worker = Api(f"http://127.0.0.1:{port}")
        seller = server.sign_up("seller", role="MERCHANT")
        endpoint = {"url": receiver.url, "eventTypes": ["order-completed"]}
        assert server.call("POST", ENDPOINTS, endpoint, token=seller).status == 201
        product_id = server.create_product(seller, price="1.00", units=10)
        buyer = server.sign_up("buyer", balance="10.00")
        for _ in range(3):
            assert server.call("POST", ORDERS, order(product_id), token=buyer).status == 201
        with server.worker():
            wait_until(lambda: len(receiver.received) == 3, seconds=120)
            assert worker.call("GET", "/metrics").status == 401
            name = "payment_flow_webhook_attempts_total['delivered']"

            def delivered() -> float:
                return numbers(worker.call("GET", "/metrics", token=TOKEN).text)[name]

            wait_until(lambda: delivered() == 3)
