"""Uploads of codes."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.common import db, encryption, http
from app.delivery.codes import tasks, uploads, views
from app.delivery.codes.models import CodeUpload, CodeUploadChunk, ProductCode
from app.events.models import OutboxEvent
from app.products.models import ProductKind
from tests import factories
from tests.concurrency import broken_invariants
from tests.delivery.codes.helpers import (
    codes_product,
    listed,
    send,
    stock,
    stocked,
    summary,
    upload,
    url,
)
from tests.delivery.helpers import UNKNOWN, bought, product
from tests.factories import Actor
from tests.responses import created, error_body, refusal


def nothing_is_stored() -> bool:
    with db.transaction() as session:
        return not any(
            session.scalars(select(table)).all()
            for table in (CodeUpload, CodeUploadChunk, ProductCode)
        )


class TestUploading:
    def test_a_small_file_is_on_sale_immediately(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        answer = send(client, seller, product_id, "A\nB\nC\n")
        body = created(answer)
        assert list(body) == [
            "id",
            "status",
            "total",
            "added",
            "duplicates",
            "duplicateLines",
            "createdAt",
            "closedAt",
        ]
        assert (body["status"], body["total"], body["added"]) == ("COMPLETED", 3, 3)
        assert (body["duplicates"], body["duplicateLines"]) == (0, [])
        assert stock(client, product_id) == 3
        assert str(product_id) in {row["id"] for row in client.get("/api/v1/products").json}
        assert broken_invariants() == []

    def test_an_upload_records_an_event(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        made = upload(client, seller, product_id, ["A", "B", "A"])
        with db.transaction() as session:
            event = session.scalars(
                select(OutboxEvent).where(OutboxEvent.type == "codes-uploaded")
            ).one()
        assert str(event.aggregate_id) == made["id"]
        assert event.data == {
            "productId": str(product_id),
            "merchantId": str(seller.id),
            "status": "COMPLETED",
            "total": 3,
            "added": 2,
            "duplicates": 1,
        }

    def test_duplicates_in_the_file_are_reported_by_line(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        made = upload(client, seller, product_id, ["A", "", "B", " A ", "C", "B"])
        assert (made["total"], made["added"], made["duplicates"]) == (5, 3, 2)
        assert made["duplicateLines"] == [4, 6]
        assert stock(client, product_id) == 3

    def test_codes_that_the_product_has_or_had_are_duplicates(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B")
        bought(factories.buyer(), product_id)
        made = upload(client, seller, product_id, ["B", "X", "A"])
        assert (made["added"], made["duplicateLines"]) == (1, [1, 3])
        assert stock(client, product_id) == 2

    def test_other_products_may_have_the_same_codes(self, client: FlaskClient) -> None:
        stocked(client, "A", "B")
        seller, product_id = stocked(client, "A", "B")
        assert summary(client, seller, product_id)["available"] == 2

    def test_the_first_hundred_duplicates_are_named(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        made = upload(client, seller, codes_product(seller), ["A"] * 150)
        assert (made["added"], made["duplicates"]) == (1, 149)
        assert made["duplicateLines"] == list(range(2, 102))

    def test_a_code_encrypted_with_an_old_key_is_a_duplicate(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old, new = "o" * 32, "n" * 32
        used = http.settings().encryption_secrets
        try:
            encryption.configure([old])
            seller, product_id = stocked(client, "A", "B")
            encryption.configure([new, old])
            made = upload(client, seller, product_id, ["B", "C"])
            assert (made["added"], made["duplicateLines"]) == (1, [1])
            assert [row["code"] for row in listed(client, seller, product_id)] == ["••••"] * 3
        finally:
            encryption.configure(used)

    def test_columns_are_asked_for_shown_and_sold_together(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "B-2")
        table = "Note;Code;PIN\r\nx;A-1;77\r\ny;B-2;12\r\nz;A-1;77\r\n"

        def sent(**query: str) -> TestResponse:
            return send(client, seller, product_id, table, mimetype="text/csv", query_string=query)

        asked = sent()
        assert refusal(asked) == (400, "CODES_INVALID")
        assert list(error_body(asked)["details"]) == ["column"]

        shown = sent(column="code,pin", dryRun="true")
        assert (shown.status_code, shown.json) == (
            200,
            {
                "header": ["Note", "Code", "PIN"],
                "columns": ["Code", "PIN"],
                "total": 3,
                "duplicates": 2,
                "codes": ["A-1 | PIN: 77", "B-2 | PIN: 12", "A-1 | PIN: 77"],
            },
        )
        assert stock(client, product_id) == 1

        made = sent(column="code,pin")
        assert (made.status_code, made.json["added"]) == (201, 1)
        assert stock(client, product_id) == 2
        # However it is written, a code is sold once.
        for again in ("A-1", "code,Pin\nA-1,78"):
            form = {"column": "code,pin"} if "," in again else {"header": "false"}
            repeated = send(
                client, seller, product_id, again, mimetype="text/csv", query_string=form
            )
            assert repeated.json["duplicates"] == 1

    @pytest.mark.parametrize(
        ("body", "line"),
        [
            (b"", "line 1"),
            (b"\n \n", "line 1"),
            (b"A\n\xff\n", "line 2"),
            (b"A\nB\n" + b"x" * 501, "line 3"),
            (b"A\n\x00\n", "line 2"),
        ],
    )
    def test_of_an_invalid_file_no_code_is_stored(
        self, client: FlaskClient, body: bytes, line: str
    ) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)
        answer = send(client, seller, product_id, body)
        assert refusal(answer) == (400, "CODES_INVALID")
        assert list(error_body(answer)["details"]) == [line]
        assert nothing_is_stored()
        assert stock(client, product_id) == 0

    def test_other_kinds_of_products_cannot_have_codes(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for kind in (ProductKind.PLAIN, ProductKind.LICENCE, ProductKind.FILE):
            answer = send(client, seller, product(seller, kind), "A")
            assert refusal(answer) == (400, "PRODUCT_HAS_NO_CODES")
        assert nothing_is_stored()

    def test_only_the_owner_can_upload(self, client: FlaskClient) -> None:
        product_id = codes_product()
        other = factories.merchant()
        assert refusal(send(client, other, product_id, "A")) == (
            403,
            "UNAUTHORIZED_PRODUCT_ACCESS",
        )
        assert refusal(send(client, other, UNKNOWN, "A")) == (404, "PRODUCT_NOT_FOUND")  # type: ignore[arg-type]
        assert nothing_is_stored()

    @pytest.mark.parametrize("mimetype", ["application/json", "text/html", ""])
    def test_only_text_and_csv_are_accepted(self, client: FlaskClient, mimetype: str) -> None:
        seller = factories.merchant()
        answer = send(client, seller, codes_product(seller), "A", mimetype=mimetype)
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")

    def test_a_large_body_is_accepted(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        codes = [f"{number:0500}" for number in range(400)]
        assert upload(client, seller, codes_product(seller), codes)["added"] == 400

    def test_a_body_above_the_limit_is_refused(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "MAX_BYTES", 1024 * 1024)
        seller = factories.merchant()
        answer = send(client, seller, codes_product(seller), b"x" * 1024 * 1024 + b"\n")
        assert refusal(answer) == (413, "BODY_TOO_LARGE")
        assert error_body(answer)["message"] == "The body is larger than 1 MiB"

    def test_a_merchant_has_at_most_two_uploads_in_progress(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = codes_product(seller)

        def begin(code: bytes, meanwhile: Callable[[], object] = list) -> TestResponse:
            return client.application.test_client().post(
                url(product_id),
                content_type="text/plain",
                headers=seller.headers,
                environ_overrides={
                    "wsgi.input": ChunkedBody([code + b"\n"], meanwhile),
                    "CONTENT_LENGTH": str(len(code) + 1),
                },
            )

        third: list[TestResponse] = []
        first = begin(b"A", lambda: begin(b"B", lambda: third.append(begin(b"C"))))

        assert refusal(third[0]) == (503, "BUSY")
        assert int(third[0].headers["Retry-After"]) > 0
        assert first.status_code == 201
        assert begin(b"C", lambda: begin(b"D")).status_code == 201
        assert summary(client, seller, product_id)["available"] == 4

    def test_a_body_of_unknown_length_is_refused(self, client: FlaskClient) -> None:
        """Because its end could not be distinguished from an interruption."""
        seller = factories.merchant()
        body = {"wsgi.input": ChunkedBody([b"A\n", b"B\n"]), "wsgi.input_terminated": True}
        answer = client.post(
            url(codes_product(seller)),
            content_type="text/plain",
            headers=seller.headers | {"Transfer-Encoding": "chunked"},
            environ_overrides=body,
        )
        assert refusal(answer) == (411, "LENGTH_REQUIRED")
        assert nothing_is_stored()


class ChunkedBody:
    """A body that arrives in chunks. meanwhile: called before the first one."""

    def __init__(self, chunks: list[bytes], meanwhile: Callable[[], object] = list) -> None:
        self.chunks = list(chunks)
        self.meanwhile = meanwhile

    def read(self, _: int = -1) -> bytes:
        first, self.meanwhile = self.meanwhile, list
        first()
        return self.chunks.pop(0) if self.chunks else b""


class TestLargeFiles:
    @pytest.fixture(autouse=True)
    def small_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uploads, "CHUNK_SIZE", 3)

    def started_upload(
        self, client: FlaskClient, seller: Actor, codes: list[str]
    ) -> tuple[Any, Any]:
        """A product, and an upload that no job has processed yet."""
        product_id = codes_product(seller)
        answer = send(client, seller, product_id, "\n".join(codes))
        assert (answer.status_code, answer.json["status"]) == (202, "PROCESSING")
        return product_id, answer.json

    def test_a_large_file_is_stored_encrypted_and_put_on_sale_in_chunks(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        codes = [f"SECRET-{number}" for number in range(7)]
        product_id, made = self.started_upload(client, seller, codes)
        assert (made["total"], made["added"], made["closedAt"]) == (7, 0, None)
        assert stock(client, product_id) == 0
        with db.transaction() as session:
            stored = session.scalars(select(CodeUploadChunk.encrypted)).all()
        assert len(stored) == 3
        assert b"SECRET" not in b"".join(stored)
        assert broken_invariants() == []

        where = url(product_id, f"/uploads/{made['id']}")
        for added in (3, 6):
            assert tasks.add_next_chunk(made["id"])
            now = client.get(where, headers=seller.headers).json
            assert (now["status"], now["added"]) == ("PROCESSING", added)
            assert stock(client, product_id) == added
            assert broken_invariants() == []
        assert tasks.add_next_chunk(made["id"])
        done = client.get(where, headers=seller.headers).json
        assert (done["status"], done["added"], stock(client, product_id)) == ("COMPLETED", 7, 7)
        assert done["closedAt"]
        assert not tasks.add_next_chunk(made["id"])
        assert broken_invariants() == []

    def test_codes_are_sold_before_those_of_later_uploads(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id, made = self.started_upload(client, seller, ["A1", "A2", "A3", "A4"])
        tasks.add_next_chunk(made["id"])
        upload(client, seller, product_id, ["B1"])
        tasks.add_codes(made["id"])
        with db.transaction() as session:
            rows = session.scalars(select(ProductCode).order_by(ProductCode.position)).all()
        upload_numbers = [row.position >> 32 for row in rows]
        assert [row.position & 0xFFFFFFFF for row in rows] == [1, 2, 3, 4, 1]
        assert upload_numbers[0] == upload_numbers[3] < upload_numbers[4]

    def test_duplicates_are_found_across_chunks(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id, made = self.started_upload(client, seller, ["A", "B", "A", "C", "B", "D", "A"])
        tasks.add_codes(made["id"])
        done = client.get(url(product_id, f"/uploads/{made['id']}"), headers=seller.headers).json
        assert (done["added"], done["duplicates"], done["duplicateLines"]) == (4, 3, [3, 5, 7])

    def test_a_job_continues_in_another_job(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        enqueued: list[Any] = []
        monkeypatch.setattr(tasks, "_CHUNKS_PER_JOB", 2)
        seller = factories.merchant()
        product_id, made = self.started_upload(client, seller, [str(number) for number in range(8)])
        monkeypatch.setattr("app.common.queue.enqueue", lambda *call: enqueued.append(call))
        tasks.add_codes(made["id"])
        assert enqueued == [(tasks.add_codes, made["id"])]
        assert stock(client, product_id) == 6

    def test_an_error_at_the_end_discards_the_beginning(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        codes = [str(number) for number in range(10)] + ["x" * 501]
        answer = send(client, seller, codes_product(seller), "\n".join(codes))
        assert refusal(answer) == (400, "CODES_INVALID")
        assert list(error_body(answer)["details"]) == ["line 11"]
        assert nothing_is_stored()

    @pytest.mark.parametrize("terminated", [True, False])
    def test_after_an_interrupted_connection_no_code_is_stored(
        self, client: FlaskClient, terminated: bool
    ) -> None:
        """The web server treats a broken connection as the end of the body."""
        seller = factories.merchant()
        chunks = [f"{number}\n".encode() for number in range(100, 110)]
        body: dict[str, Any] = {"wsgi.input": ChunkedBody(chunks), "CONTENT_LENGTH": "80"}
        if terminated:
            body["wsgi.input_terminated"] = True
        answer = client.post(
            url(codes_product(seller)),
            content_type="text/plain",
            headers=seller.headers,
            environ_overrides=body,
        )
        assert refusal(answer) == (400, "BODY_INCOMPLETE" if terminated else "BAD_REQUEST")
        assert nothing_is_stored()

    def test_deleting_the_product_fails_the_upload(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id, made = self.started_upload(client, seller, ["A", "B", "C", "D"])
        tasks.add_next_chunk(made["id"])
        client.delete(f"/api/v1/products/{product_id}", headers=seller.headers)
        tasks.add_codes(made["id"])
        with db.transaction() as session:
            upload = session.scalars(select(CodeUpload)).one()
            assert (upload.status, upload.added, upload.total) == ("FAILED", 3, 4)
            assert session.scalars(select(CodeUploadChunk)).all() == []
        assert broken_invariants() == []

    def test_a_missing_encryption_key_loses_no_code(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        used = http.settings().encryption_secrets
        product_id, made = self.started_upload(client, seller, ["A", "B", "C", "D"])
        try:
            encryption.configure(["n" * 32])
            tasks.add_codes(made["id"])
        finally:
            encryption.configure(used)
        assert stock(client, product_id) == 0
        tasks.add_codes(made["id"])
        assert stock(client, product_id) == 4
