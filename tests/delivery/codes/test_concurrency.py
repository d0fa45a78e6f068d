"""Concurrent uploads and sales of codes, and interrupted ones."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from flask import Flask
from sqlalchemy import func, select

from app.common import clock, db, queue
from app.common.driver import start_pipeline
from app.common.settings import Settings
from app.delivery.codes import tasks, uploads
from app.delivery.codes.handler import CodesHandler
from app.delivery.codes.models import CodeUpload, CodeUploadChunk, ProductCode
from app.delivery.handler import OrderLine
from app.worker import make_worker
from tests import factories
from tests.clock import freeze_clock
from tests.concurrency import all_at_once, broken_invariants
from tests.delivery.codes.helpers import codes_product, send, stock, stocked, upload, url
from tests.delivery.helpers import bought, delivered, get_delivery, order
from tests.factories import Actor
from tests.responses import refusal


def rows_of(table: type[Any]) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def started_upload(app: Flask, seller: Actor, product_id: UUID, codes: list[str]) -> Any:
    """The id of an upload whose codes are added by a job."""
    answer = send(app.test_client(), seller, product_id, "\n".join(codes))
    assert answer.status_code == 202, answer.text
    return answer.json["id"]


@pytest.fixture
def no_jobs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Records jobs instead of running them."""
    calls: list[Any] = []
    monkeypatch.setattr(queue, "enqueue", lambda *call: calls.append(call))
    return calls


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "CHUNK_SIZE", 10)


def bought_codes(app: Flask, buyer: Actor, product_id: UUID, quantity: int = 1) -> list[str]:
    """Buy codes over HTTP."""
    answer = order(app.test_client(), buyer, product_id, quantity)
    assert answer.status_code == 201, answer.text
    codes: list[str] = get_delivery(app.test_client(), buyer, answer.json["id"]).json["codes"]
    return codes


class TestSelling:
    def test_concurrent_buyers_never_get_the_same_code(self, committing: Flask) -> None:
        codes = [f"code-{number}" for number in range(40)]
        seller = factories.merchant()
        product_id = codes_product(seller)
        for at in range(0, 40, 10):
            upload(committing.test_client(), seller, product_id, codes[at : at + 10])
        buyers = [factories.buyer() for _ in range(20)]

        def buy(buyer: Actor) -> list[str]:
            return bought_codes(committing, buyer, product_id, 2)

        given = all_at_once(buy, buyers, threads=20)

        assert sorted(code for codes in given for code in codes) == sorted(codes)
        assert stock(committing.test_client(), product_id) == 0
        assert broken_invariants() == []

    def test_two_concurrent_batches_never_share_a_code(self, committing: Flask) -> None:
        """Without the product's lock, which otherwise serializes them."""
        _, product_id = stocked(committing.test_client(), *"ABCDEFGH")
        lines = [bought(factories.buyer(), product_id, 2) for _ in range(4)]
        for line in lines:
            with db.transaction() as session:
                CodesHandler().release(session, line)
        both_reserved = threading.Barrier(2)

        def reserve(batch: list[OrderLine]) -> None:
            with db.transaction() as session:
                start_pipeline(session)
                check = CodesHandler().reserve(session, batch)
                check()
                both_reserved.wait(10)

        all_at_once(reserve, [lines[:2], lines[2:]], threads=2)

        given = [delivered(line)["codes"] for line in lines]
        assert sorted(code for codes in given for code in codes) == list("ABCDEFGH")
        assert {tuple(codes) for codes in given} == {("A", "B"), ("C", "D"), ("E", "F"), ("G", "H")}
        assert broken_invariants() == []

    def test_a_code_seen_during_its_revocation_is_not_sold_again(self, committing: Flask) -> None:
        _, product_id = stocked(committing.test_client(), *"ABCDEFGHIJ")
        lines = [bought(factories.buyer(), product_id) for _ in range(10)]
        seen: dict[UUID, list[str]] = {}

        def act(step: tuple[str, OrderLine]) -> int | None:
            action, line = step
            with db.transaction() as session:
                if action == "revoke":
                    return CodesHandler().revoke(session, line, units=1)
                codes = CodesHandler().render(session, line, base_url="")["codes"]
            seen[line.order_id] = codes
            return None

        steps = [(action, line) for line in lines for action in ("show", "revoke")]
        freed = sum(done or 0 for done in all_at_once(act, steps, threads=20))

        shown_codes = sum(len(codes) for codes in seen.values())
        assert freed + shown_codes == 10
        with db.reading() as session:
            free = select(func.count()).where(ProductCode.order_id.is_(None))
            assert session.scalar(free) == freed


class TestUploading:
    def test_concurrent_uploads_of_the_same_codes_add_them_once(
        self, committing: Flask, no_jobs: list[Any]
    ) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        codes = [f"code-{number}" for number in range(30)]
        ids = [started_upload(committing, seller, product_id, codes) for _ in range(3)]

        def act(upload_id: Any) -> None:
            if upload_id is None:
                upload(committing.test_client(), seller, product_id, codes[:8])
            else:
                tasks.add_codes(upload_id)

        all_at_once(act, [*ids, None, *ids, None], threads=8)

        assert stock(committing.test_client(), product_id) == 30
        assert rows_of(ProductCode) == 30
        assert rows_of(CodeUploadChunk) == 0
        assert broken_invariants() == []

    def test_codes_can_be_bought_during_an_upload(
        self, committing: Flask, no_jobs: list[Any]
    ) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        upload(committing.test_client(), seller, product_id, [f"early-{n}" for n in range(10)])
        upload_id = started_upload(committing, seller, product_id, [f"late-{n}" for n in range(60)])
        buyers: list[Actor | None] = [factories.buyer() for _ in range(10)]

        def act(buyer: Actor | None) -> Any:
            if buyer is None:
                return tasks.add_codes(upload_id)
            return bought_codes(committing, buyer, product_id)

        given = all_at_once(act, [None, *buyers], threads=6)[1:]

        assert sorted(code for codes in given for code in codes) == sorted(
            f"early-{n}" for n in range(10)
        )
        assert stock(committing.test_client(), product_id) == 60
        assert broken_invariants() == []

    def test_a_worker_killed_between_chunks_loses_and_duplicates_no_code(
        self, committing: Flask, no_jobs: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        upload_id = started_upload(committing, seller, product_id, [f"code-{n}" for n in range(35)])
        no_jobs.clear()
        assert tasks.add_next_chunk(upload_id)
        assert (stock(committing.test_client(), product_id), broken_invariants()) == (10, [])

        assert tasks.sweep() == 0  # It may still be running.
        freeze_clock(monkeypatch, clock.now() + timedelta(minutes=2))
        assert tasks.sweep() == 1
        assert no_jobs == [(tasks.add_codes, UUID(upload_id))]
        assert tasks.sweep() == 0

        tasks.add_codes(upload_id)
        assert stock(committing.test_client(), product_id) == 35
        assert broken_invariants() == []

    def test_a_worker_killed_within_a_chunk_rolls_it_back(
        self, committing: Flask, no_jobs: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def killed(*_: Any, **__: Any) -> None:
            raise Killed

        seller = factories.merchant()
        product_id = codes_product(seller)
        upload_id = started_upload(committing, seller, product_id, [f"code-{n}" for n in range(15)])
        with monkeypatch.context() as patch:
            patch.setattr("app.delivery.codes.uploads.products.restock", killed)
            with pytest.raises(Killed):
                tasks.add_next_chunk(upload_id)
        assert (rows_of(ProductCode), rows_of(CodeUploadChunk)) == (0, 2)
        assert broken_invariants() == []

        tasks.add_codes(upload_id)
        assert (rows_of(ProductCode), rows_of(CodeUploadChunk)) == (15, 0)
        assert broken_invariants() == []

    def test_the_worker_puts_a_large_file_on_sale(
        self, committing: Flask, settings: Settings
    ) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        upload_id = started_upload(
            committing, seller, product_id, [f"code-{n}" for n in range(150)]
        )
        connection = redis.Redis.from_url(str(settings.redis_url))
        worker = make_worker(queue.NAME, connection)
        worker.work(burst=True)
        body = committing.test_client().get(
            url(product_id, f"/uploads/{upload_id}"), headers=seller.headers
        )
        assert (body.json["status"], body.json["added"]) == ("COMPLETED", 150)

    def test_an_abandoned_upload_is_deleted_and_cannot_continue(
        self, committing: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        much_later = clock.now() + timedelta(hours=2)
        chunks = [b"".join(b"%d\n" % n for n in range(at, at + 10)) for at in range(0, 50, 10)]

        class Stalling:
            def read(self, _: int = -1) -> bytes:
                if len(chunks) == 1:
                    with monkeypatch.context() as patch:
                        freeze_clock(patch, much_later)
                        assert tasks.sweep() == 1
                return chunks.pop(0) if chunks else b""

        size = sum(map(len, chunks))
        answer = committing.test_client().post(
            url(product_id),
            content_type="text/plain",
            headers=seller.headers,
            environ_overrides={
                "wsgi.input": Stalling(),
                "CONTENT_LENGTH": str(size),
                "wsgi.input_terminated": True,
            },
        )
        assert refusal(answer) == (409, "UPLOAD_TOO_SLOW")
        assert (rows_of(CodeUpload), rows_of(CodeUploadChunk)) == (0, 0)
