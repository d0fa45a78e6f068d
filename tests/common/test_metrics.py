"""Metrics, as Prometheus scrapes them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.common import db
from app.common.settings import Settings
from tests import factories, servers
from tests.concurrency import all_at_once
from tests.live import LiveServer, wait_until
from tests.metrics import AUTHORIZED, TOKEN
from tests.orders.helpers import buy
from tests.responses import error_body, refusal


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
    grown = {name for name in after if after[name] > before[name]}
    assert "payment_flow_ledger_wait_seconds_sum" in grown
    for name in ("batch_size_count", "batch_size_sum", "batch_size_bucket['1.0']"):
        name = f"payment_flow_ledger_{name}"
        assert after[name] - before[name] == 2
    waited = "payment_flow_ledger_wait_seconds_count"
    assert after[waited] - before[waited] == 2
    assert not any("refused" in name or "retries" in name for name in grown)


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
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "counter_1.db").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    assert client.get("/metrics", headers=AUTHORIZED).status_code == 200


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

        killed, other = server.web_processes()
        killed.kill()
        wait_until(lambda: len(set(server.web_processes()) - {killed, other}) == 1)
        assert counted() == {(41, 41)}  # with the deposit of the balance

    assert list(tmp_path.iterdir()) == []
