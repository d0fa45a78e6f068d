"""Codes as their merchant handles them."""

import re
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
from tests.answers import TIME, error_body, refusal
from tests.concurrency import broken
from tests.delivery.codes.helpers import listed, send, shelf, stock, stocked, summary, upload, url
from tests.delivery.helpers import UNKNOWN, bought, product
from tests.factories import Actor


def nothing_is_stored() -> bool:
    with db.transaction() as session:
        return not any(
            session.scalars(select(table)).all()
            for table in (CodeUpload, CodeUploadChunk, ProductCode)
        )


class TestUploading:
    def test_a_small_file_is_on_sale_at_once(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = shelf(seller)
        answer = send(client, seller, product_id, "A\nB\nC\n")
        assert answer.status_code == 201
        body = answer.json
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
        assert broken() == []

    def test_it_leaves_an_event(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = shelf(seller)
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
        product_id = shelf(seller)
        made = upload(client, seller, product_id, ["A", "", "B", " A ", "C", "B"])
        assert (made["total"], made["added"], made["duplicates"]) == (5, 3, 2)
        assert made["duplicateLines"] == [4, 6]
        assert stock(client, product_id) == 3

    def test_so_are_codes_that_the_product_has_or_had(self, client: FlaskClient) -> None:
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
        made = upload(client, seller, shelf(seller), ["A"] * 150)
        assert (made["added"], made["duplicates"]) == (1, 149)
        assert made["duplicateLines"] == list(range(2, 102))

    def test_a_code_that_was_sealed_with_an_old_key_is_known(
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

    def test_csv_is_read_by_its_header(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = shelf(seller)
        answer = send(
            client, seller, product_id, 'note,code\r\nx,"A-1"\r\ny,B-2\r\n', mimetype="text/csv"
        )
        assert (answer.status_code, answer.json["added"]) == (201, 2)
        assert [row["code"] for row in listed(client, seller, product_id)] == ["••••1", "••••2"]

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
    def test_a_bad_file_leaves_nothing(self, client: FlaskClient, body: bytes, line: str) -> None:
        seller = factories.merchant()
        product_id = shelf(seller)
        answer = send(client, seller, product_id, body)
        assert refusal(answer) == (400, "CODES_INVALID")
        assert list(error_body(answer)["details"]) == [line]
        assert nothing_is_stored()
        assert stock(client, product_id) == 0

    def test_other_kinds_of_products_take_no_codes(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for kind in (ProductKind.PLAIN, ProductKind.LICENCE, ProductKind.FILE):
            answer = send(client, seller, product(seller, kind), "A")
            assert refusal(answer) == (400, "PRODUCT_HAS_NO_CODES")
        assert nothing_is_stored()

    def test_only_the_owner_may(self, client: FlaskClient) -> None:
        product_id = shelf()
        other = factories.merchant()
        assert refusal(send(client, other, product_id, "A")) == (
            403,
            "UNAUTHORIZED_PRODUCT_ACCESS",
        )
        assert refusal(send(client, other, UNKNOWN, "A")) == (404, "PRODUCT_NOT_FOUND")  # type: ignore[arg-type]
        assert nothing_is_stored()

    @pytest.mark.parametrize("mimetype", ["application/json", "text/html", ""])
    def test_only_text_and_csv_are_taken(self, client: FlaskClient, mimetype: str) -> None:
        seller = factories.merchant()
        answer = send(client, seller, shelf(seller), "A", mimetype=mimetype)
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")

    def test_a_body_of_any_size_that_is_allowed_is_read(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        codes = [f"{number:0500}" for number in range(400)]
        assert upload(client, seller, shelf(seller), codes)["added"] == 400

    def test_a_body_that_is_too_large_is_refused_unread(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "MAX_BYTES", 1024 * 1024)
        seller = factories.merchant()
        answer = send(client, seller, shelf(seller), b"x" * 1024 * 1024 + b"\n")
        assert refusal(answer) == (413, "BODY_TOO_LARGE")
        assert error_body(answer)["message"] == "The body is larger than 1 MiB"

    def test_who_sends_slowly_takes_two_threads_at_most(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = shelf(seller)

        def begin(code: bytes, meanwhile: Callable[[], object] = list) -> TestResponse:
            return client.application.test_client().post(
                url(product_id),
                content_type="text/plain",
                headers=seller.headers,
                environ_overrides={
                    "wsgi.input": Slowly([code + b"\n"], meanwhile),
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
        """Because where it ends nobody could tell from where it broke off."""
        seller = factories.merchant()
        body = {"wsgi.input": Slowly([b"A\n", b"B\n"]), "wsgi.input_terminated": True}
        answer = client.post(
            url(shelf(seller)),
            content_type="text/plain",
            headers=seller.headers | {"Transfer-Encoding": "chunked"},
            environ_overrides=body,
        )
        assert refusal(answer) == (411, "LENGTH_REQUIRED")
        assert nothing_is_stored()


class Slowly:
    """A body that comes in pieces, and then breaks off. meanwhile: happens before the first."""

    def __init__(self, pieces: list[bytes], meanwhile: Callable[[], object] = list) -> None:
        self.pieces = list(pieces)
        self.meanwhile = meanwhile

    def read(self, _: int = -1) -> bytes:
        first, self.meanwhile = self.meanwhile, list
        first()
        return self.pieces.pop(0) if self.pieces else b""


class TestLargeFiles:
    @pytest.fixture(autouse=True)
    def small_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uploads, "CHUNK", 3)

    def begun(self, client: FlaskClient, seller: Actor, codes: list[str]) -> tuple[Any, Any]:
        """A product, and the answer to an upload that the worker has not begun with."""
        product_id = shelf(seller)
        answer = send(client, seller, product_id, "\n".join(codes))
        assert (answer.status_code, answer.json["status"]) == (202, "PROCESSING")
        return product_id, answer.json

    def test_it_is_stored_sealed_and_put_on_sale_part_by_part(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        codes = [f"SECRET-{number}" for number in range(7)]
        product_id, made = self.begun(client, seller, codes)
        assert (made["total"], made["added"], made["closedAt"]) == (7, 0, None)
        assert stock(client, product_id) == 0
        with db.transaction() as session:
            stored = session.scalars(select(CodeUploadChunk.sealed)).all()
        assert len(stored) == 3
        assert b"SECRET" not in b"".join(stored)
        assert broken() == []

        where = url(product_id, f"/uploads/{made['id']}")
        for added in (3, 6):
            assert tasks.add_some(made["id"])
            now = client.get(where, headers=seller.headers).json
            assert (now["status"], now["added"]) == ("PROCESSING", added)
            assert stock(client, product_id) == added
            assert broken() == []
        assert tasks.add_some(made["id"])
        done = client.get(where, headers=seller.headers).json
        assert (done["status"], done["added"], stock(client, product_id)) == ("COMPLETED", 7, 7)
        assert done["closedAt"]
        assert not tasks.add_some(made["id"])
        assert broken() == []

    def test_its_codes_keep_their_place_before_later_uploads(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id, made = self.begun(client, seller, ["A1", "A2", "A3", "A4"])
        tasks.add_some(made["id"])
        upload(client, seller, product_id, ["B1"])
        tasks.add_codes(made["id"])
        with db.transaction() as session:
            rows = session.scalars(select(ProductCode).order_by(ProductCode.position)).all()
        upload_numbers = [row.position >> 32 for row in rows]
        assert [row.position & 0xFFFFFFFF for row in rows] == [1, 2, 3, 4, 1]
        assert upload_numbers[0] == upload_numbers[3] < upload_numbers[4]

    def test_duplicates_are_found_across_its_parts(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id, made = self.begun(client, seller, ["A", "B", "A", "C", "B", "D", "A"])
        tasks.add_codes(made["id"])
        done = client.get(url(product_id, f"/uploads/{made['id']}"), headers=seller.headers).json
        assert (done["added"], done["duplicates"], done["duplicateLines"]) == (4, 3, [3, 5, 7])

    def test_a_job_makes_room_for_others_and_goes_on(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        again: list[Any] = []
        monkeypatch.setattr(tasks, "_CHUNKS", 2)
        seller = factories.merchant()
        product_id, made = self.begun(client, seller, [str(number) for number in range(8)])
        monkeypatch.setattr("app.common.queue.enqueue", lambda *call: again.append(call))
        tasks.add_codes(made["id"])
        assert again == [(tasks.add_codes, made["id"])]
        assert stock(client, product_id) == 6

    def test_what_is_wrong_at_the_end_leaves_nothing_of_the_beginning(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        codes = [str(number) for number in range(10)] + ["x" * 501]
        answer = send(client, seller, shelf(seller), "\n".join(codes))
        assert refusal(answer) == (400, "CODES_INVALID")
        assert list(error_body(answer)["details"]) == ["line 11"]
        assert nothing_is_stored()

    @pytest.mark.parametrize("terminated", [True, False])
    def test_a_connection_that_breaks_leaves_nothing(
        self, client: FlaskClient, terminated: bool
    ) -> None:
        """The web server takes a broken connection for the end of the body."""
        seller = factories.merchant()
        pieces = [f"{number}\n".encode() for number in range(100, 110)]
        body: dict[str, Any] = {"wsgi.input": Slowly(pieces), "CONTENT_LENGTH": "80"}
        if terminated:
            body["wsgi.input_terminated"] = True
        answer = client.post(
            url(shelf(seller)),
            content_type="text/plain",
            headers=seller.headers,
            environ_overrides=body,
        )
        assert refusal(answer) == (400, "BODY_INCOMPLETE" if terminated else "BAD_REQUEST")
        assert nothing_is_stored()

    def test_a_product_that_is_deleted_meanwhile_ends_it(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id, made = self.begun(client, seller, ["A", "B", "C", "D"])
        tasks.add_some(made["id"])
        client.delete(f"/api/v1/products/{product_id}", headers=seller.headers)
        tasks.add_codes(made["id"])
        with db.transaction() as session:
            upload = session.scalars(select(CodeUpload)).one()
            assert (upload.status, upload.added, upload.total) == ("FAILED", 3, 4)
            assert session.scalars(select(CodeUploadChunk)).all() == []
        assert broken() == []

    def test_a_key_that_is_missing_loses_nothing(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        used = http.settings().encryption_secrets
        product_id, made = self.begun(client, seller, ["A", "B", "C", "D"])
        try:
            encryption.configure(["n" * 32])
            tasks.add_codes(made["id"])
        finally:
            encryption.configure(used)
        assert stock(client, product_id) == 0
        tasks.add_codes(made["id"])
        assert stock(client, product_id) == 4


class TestLists:
    def test_a_merchant_sees_the_end_of_each_code(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "AB", "ABCDE", "GIFT-7F3A-21C9")
        line = bought(factories.buyer(), product_id)
        rows = listed(client, seller, product_id)
        assert [row["code"] for row in rows] == ["••••", "••••B", "••••DE", "••••21C9"]
        assert [row["status"] for row in rows] == ["SOLD"] + ["AVAILABLE"] * 3
        assert list(rows[0]) == [
            "id",
            "code",
            "status",
            "orderId",
            "takenAt",
            "seenAt",
            "revokedAt",
        ]
        assert rows[0]["orderId"] == str(line.order_id)
        assert rows[1]["takenAt"] is None
        assert re.fullmatch(TIME, rows[0]["takenAt"])

    def test_by_status(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A-1", "B-2", "C-3")
        bought(factories.buyer(), product_id, 2)

        def codes(status: str) -> list[str]:
            return [row["code"] for row in listed(client, seller, product_id, status=status)]

        assert codes("SOLD") == ["••••1", "••••2"]
        assert codes("AVAILABLE") == ["••••3"]
        assert codes("REVOKED") == []
        answer = client.get(
            url(product_id), query_string={"status": "GONE"}, headers=seller.headers
        )
        assert refusal(answer) == (400, "VALIDATION_ERROR")

    def test_page_by_page_and_by_cursor(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, *(f"{number:02}" for number in range(5)))
        query: dict[str, Any] = {"limit": 2}
        seen = []
        while True:
            body = client.get(url(product_id), query_string=query, headers=seller.headers).json
            seen += [row["code"][-1] for row in body["data"]]
            assert body["meta"]["total"] == 5
            if body["meta"]["nextCursor"] is None:
                break
            query["cursor"] = body["meta"]["nextCursor"]
        assert seen == list("01234")
        second = listed(client, seller, product_id, limit=2, page=2)
        assert [row["code"][-1] for row in second] == ["2", "3"]

    def test_uploads_are_listed_newest_first(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A")
        newest = upload(client, seller, product_id, ["B", "C"])
        body = client.get(url(product_id, "/uploads"), headers=seller.headers).json
        assert [row["total"] for row in body["data"]] == [2, 1]
        assert body["data"][0] == newest
        assert body["meta"]["total"] == 2

    def test_an_upload_is_found_with_its_own_product_only(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        one, other = shelf(seller), shelf(seller)
        made = upload(client, seller, one, ["A"])
        answer = client.get(url(other, f"/uploads/{made['id']}"), headers=seller.headers)
        assert refusal(answer) == (404, "UPLOAD_NOT_FOUND")

    @pytest.mark.parametrize("rest", ["", "/summary", "/uploads", f"/uploads/{UNKNOWN}"])
    def test_others_see_nothing(self, client: FlaskClient, rest: str) -> None:
        _, product_id = stocked(client, "A")
        answer = client.get(url(product_id, rest), headers=factories.merchant().headers)
        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        answer = client.get(url(product_id, rest), headers=factories.buyer().headers)
        assert refusal(answer) == (403, "FORBIDDEN")


class TestRemoving:
    def remove(self, client: FlaskClient, seller: Actor, product_id: Any, code_id: str) -> Any:
        return client.delete(url(product_id, f"/{code_id}"), headers=seller.headers)

    def test_a_code_that_nobody_bought_can_be_removed(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A-1", "B-2")
        code_id = listed(client, seller, product_id)[0]["id"]
        assert self.remove(client, seller, product_id, code_id).status_code == 204
        assert stock(client, product_id) == 1
        assert [row["code"] for row in listed(client, seller, product_id)] == ["••••2"]
        assert refusal(self.remove(client, seller, product_id, code_id)) == (404, "CODE_NOT_FOUND")
        assert upload(client, seller, product_id, ["A-1"])["added"] == 1
        assert broken() == []

    def test_a_code_that_was_sold_cannot(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B")
        bought(factories.buyer(), product_id)
        code_id = listed(client, seller, product_id, status="SOLD")[0]["id"]
        assert refusal(self.remove(client, seller, product_id, code_id)) == (409, "CODE_SOLD")
        assert stock(client, product_id) == 1

    def test_nor_one_of_somebody_else(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A")
        other, others_product = stocked(client, "A")
        code_id = listed(client, seller, product_id)[0]["id"]
        assert refusal(self.remove(client, other, product_id, code_id)) == (
            403,
            "UNAUTHORIZED_PRODUCT_ACCESS",
        )
        assert refusal(self.remove(client, other, others_product, code_id)) == (
            404,
            "CODE_NOT_FOUND",
        )
        assert stock(client, product_id) == 1


def test_the_stock_of_codes_cannot_be_set_by_hand(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "A")
    answer = client.patch(
        f"/api/v1/products/{product_id}", json={"availableUnits": 5}, headers=seller.headers
    )
    assert refusal(answer) == (400, "STOCK_IS_CODES")
