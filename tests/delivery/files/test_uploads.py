"""Merchants upload what they sell."""

import io
import os
import stat
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common.db import reading
from app.common.settings import Settings
from app.delivery.files.models import FileContent, ProductFile
from app.events.models import OutboxEvent
from tests import factories
from tests.answers import error_body, refusal
from tests.delivery.files.helpers import (
    API,
    GUIDE,
    PDF,
    bought,
    file_product,
    on_sale,
    sha256,
    upload,
)
from tests.products.helpers import names


@pytest.fixture
def kept(settings: Settings) -> Callable[[], dict[str, bytes]]:
    """What is in the storage, by the hash in its name; drafts by nothing."""

    def look() -> dict[str, bytes]:
        files = [path for path in settings.files_folder.rglob("*") if path.is_file()]
        return {path.name.partition(".")[0]: path.read_bytes() for path in files}

    return look


def events_of(product_id: Any) -> list[tuple[str, dict[str, Any]]]:
    with reading() as session:
        rows = session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.aggregate_id == product_id)
            .order_by(OutboxEvent.id)
        ).all()
    return [(row.type, row.data) for row in rows]


class TestUploading:
    def test_the_first_file_puts_the_product_on_sale(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = file_product(seller)
        assert "Field Guide" not in names(client)

        answer = upload(client, seller, product_id)

        assert answer.status_code == 201
        assert answer.json == {
            "name": "guide.pdf",
            "size": len(GUIDE),
            "mediaType": PDF,
            "sha256": sha256(GUIDE),
            "version": 1,
            "uploadedAt": answer.json["uploadedAt"],
            "downloads": 0,
        }
        assert "Field Guide" in names(client)
        path = f"{API}/products/{product_id}"
        assert client.get(path).json["isReady"] is True
        again = client.get(f"{path}/file", headers=seller.headers)
        assert (again.status_code, again.json) == (200, answer.json)
        assert events_of(product_id) == [
            (
                "product-file-uploaded",
                {"merchantId": str(seller.id), "version": 1, "size": len(GUIDE)},
            )
        ]

    def test_the_name_may_be_in_the_header(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        header = {"Content-Disposition": "attachment; filename*=UTF-8''gr%C3%BC%C3%9Fe.pdf"}

        answer = upload(client, seller, file_product(seller), name="other", **header)

        assert answer.json["name"] == "grüße.pdf"

    def test_another_one_is_a_new_version(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)

        answer = upload(client, seller, product_id, b"second edition", name="second.pdf")

        assert answer.status_code == 200
        assert (answer.json["version"], answer.json["name"]) == (2, "second.pdf")
        assert [what for what, _ in events_of(product_id)] == ["product-file-uploaded"] * 2

    def test_the_same_again_changes_nothing(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        before = client.get(f"{API}/products/{product_id}/file", headers=seller.headers).json

        answer = upload(client, seller, product_id)

        assert (answer.status_code, answer.json) == (200, before)
        assert len(events_of(product_id)) == 1

    def test_the_same_bytes_are_kept_once_whoever_uploads_them(
        self, client: FlaskClient, kept: Callable[[], dict[str, bytes]]
    ) -> None:
        body = os.urandom(1000)
        for _ in range(2):
            on_sale(client, factories.merchant(), body)

        with reading() as session:
            contents = session.scalars(
                select(FileContent).where(FileContent.sha256 == sha256(body))
            ).all()
            files = session.scalars(
                select(ProductFile).where(ProductFile.content_id == contents[0].id)
            ).all()
        assert (len(contents), len(files)) == (1, 2)
        assert kept()[sha256(body)] == body

    def test_nobody_else_on_the_machine_can_read_it(
        self, client: FlaskClient, settings: Settings
    ) -> None:
        body = os.urandom(1000)
        on_sale(client, factories.merchant(), body)

        (path,) = settings.files_folder.rglob(f"{sha256(body)}.*")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.parent.parent.parent == settings.files_folder
        for folder in (path.parent, path.parent.parent, settings.files_folder):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_a_large_one_is_never_whole_in_memory(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = file_product(seller)
        size = 16 * 2**20
        with tempfile.TemporaryFile() as body:
            body.truncate(size)
            tracemalloc.start()
            answer = client.put(
                f"{API}/products/{product_id}/file?name=zeros",
                input_stream=body,
                headers=seller.headers | {"Content-Length": str(size)},
            )
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert (answer.status_code, answer.json["size"]) == (201, size)
        assert peak < 3 * 2**20


class _Dripping(io.RawIOBase):
    """A body that is sent in odd pieces."""

    def __init__(self, body: bytes) -> None:
        self._rest = memoryview(body)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._rest[: min(len(buffer), 777)]
        buffer[: len(piece)] = piece
        self._rest = self._rest[len(piece) :]
        return len(piece)


class TestBodies:
    @pytest.fixture
    def seller(self, client: FlaskClient) -> factories.Actor:
        return factories.merchant()

    @pytest.fixture(autouse=True)
    def nothing_is_kept_of_what_is_refused(
        self, settings: Settings, client: FlaskClient
    ) -> Iterator[None]:
        yield
        assert list((settings.files_folder / "incoming").glob("*")) == []

    def send(
        self, client: FlaskClient, seller: factories.Actor, body: bytes, **environ: Any
    ) -> Any:
        return client.put(
            f"{API}/products/{file_product(seller)}/file?name=a.bin",
            headers=seller.headers,
            environ_overrides={
                "wsgi.input": _Dripping(body),
                "wsgi.input_terminated": True,
                **environ,
            },
        )

    def test_pieces_of_any_size_make_the_file(
        self, client: FlaskClient, seller: factories.Actor
    ) -> None:
        answer = self.send(client, seller, GUIDE, CONTENT_LENGTH=str(len(GUIDE)))

        assert (answer.status_code, answer.json["sha256"]) == (201, sha256(GUIDE))

    def test_one_that_is_cut_off_is_refused(
        self,
        client: FlaskClient,
        seller: factories.Actor,
        kept: Callable[[], dict[str, bytes]],
    ) -> None:
        body = os.urandom(5000)
        answer = self.send(client, seller, body, CONTENT_LENGTH="5001")

        assert refusal(answer) == (400, "BODY_INCOMPLETE")
        assert sha256(body) not in kept()

    def test_one_of_unknown_length_is_refused(
        self, client: FlaskClient, seller: factories.Actor
    ) -> None:
        answer = self.send(client, seller, GUIDE, HTTP_TRANSFER_ENCODING="chunked")

        assert refusal(answer) == (411, "LENGTH_REQUIRED")

    def test_an_empty_one_is_refused(self, client: FlaskClient, seller: factories.Actor) -> None:
        assert refusal(upload(client, seller, file_product(seller), b"")) == (400, "FILE_EMPTY")

    def test_one_that_is_too_large_is_refused_before_it_is_read(
        self, client: FlaskClient, seller: factories.Actor, change_settings: Callable[..., None]
    ) -> None:
        change_settings(file_max_bytes=1000)
        product_id = file_product(seller)

        assert refusal(upload(client, seller, product_id, b"x" * 1001)) == (413, "BODY_TOO_LARGE")
        assert upload(client, seller, product_id, b"x" * 1000).status_code == 201

    def test_a_full_disk_is_said(
        self, client: FlaskClient, seller: factories.Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("app.delivery.files.folder.os.fsync", full)

        assert refusal(upload(client, seller, file_product(seller))) == (507, "STORAGE_FULL")


class TestRefusals:
    def test_only_products_of_that_kind_have_a_file(self, client: FlaskClient) -> None:
        seller = factories.merchant()

        answer = upload(client, seller, factories.product(seller))

        assert refusal(answer) == (400, "NOT_A_FILE_PRODUCT")

    def test_a_stranger_s_product_stays_as_it_is(self, client: FlaskClient) -> None:
        product_id = on_sale(client, factories.merchant())
        stranger = factories.merchant()

        for method in ("PUT", "GET", "DELETE"):
            answer = client.open(
                f"{API}/products/{product_id}/file?name=a",
                method=method,
                data=b"mine",
                headers=stranger.headers,
            )
            assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")

    def test_a_product_that_is_not_there_has_none(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        client.delete(f"{API}/products/{product_id}", headers=seller.headers)

        assert refusal(upload(client, seller, product_id, b"new")) == (404, "PRODUCT_NOT_FOUND")
        answer = client.delete(f"{API}/products/{product_id}/file", headers=seller.headers)
        assert refusal(answer) == (404, "PRODUCT_NOT_FOUND")

    @pytest.mark.parametrize("name", [None, "", "../a", "a\x07"])
    def test_it_needs_a_name(self, client: FlaskClient, name: str | None) -> None:
        seller = factories.merchant()

        answer = upload(client, seller, file_product(seller), name=name)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == ["name"]

    def test_a_form_is_not_the_file(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        answer = client.put(
            f"{API}/products/{file_product(seller)}/file?name=a",
            data={"file": (io.BytesIO(GUIDE), "guide.pdf")},
            headers=seller.headers,
        )
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")

    @pytest.mark.parametrize(
        ("header", "said", "refused"),
        [
            ("Content-Range", "bytes 10-19/20", (400, "VALIDATION_ERROR")),
            ("Content-Encoding", "gzip", (415, "UNSUPPORTED_MEDIA_TYPE")),
            ("Content-Encoding", "identity", None),
        ],
    )
    def test_a_part_and_a_wrapping_are_not_the_file(
        self, client: FlaskClient, header: str, said: str, refused: tuple[int, str] | None
    ) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)

        answer = upload(client, seller, product_id, b"new", **{header: said})

        assert answer.status_code == (refused or (200,))[0]
        if refused:
            assert refusal(answer) == refused
        kept = client.get(f"{API}/products/{product_id}/file", headers=seller.headers).json
        assert kept["version"] == (1 if refused else 2)

    def test_the_shop_may_allow_some_types_only(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(file_types=("application/zip",))
        seller = factories.merchant()

        answer = upload(client, seller, file_product(seller))

        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert "application/zip" in error_body(answer)["message"]

    def test_who_signs_out_meanwhile_has_uploaded_nothing(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = factories.merchant()
        product_id = file_product(seller)

        def sign_out(_: Any) -> Any:
            client.post(f"{API}/auth/logout", headers=seller.headers)
            return kept(_)

        from app.delivery.files import views

        kept = views.keep_body
        monkeypatch.setattr(views, "keep_body", sign_out)

        assert refusal(upload(client, seller, product_id)) == (401, "UNAUTHORIZED")
        assert client.get(f"{API}/products/{product_id}").json["isReady"] is False


def test_uploads_are_limited_per_merchant(rate_limited: Flask) -> None:
    client = rate_limited.test_client()
    seller, other = factories.merchant(), factories.merchant()
    product_id = file_product(seller)
    for _ in range(60):
        answer = upload(client, seller, product_id, media_type="text/html")
        assert answer.status_code == 415

    refused = upload(client, seller, product_id)
    assert refusal(refused) == (429, "RATE_LIMITED")
    assert upload(client, other, file_product(other)).status_code == 201


class TestPlaces:
    def test_two_at_a_time_for_each_and_they_are_given_back(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from app.delivery.files import http

        seller = factories.merchant()
        product_id = file_product(seller)
        leave = [http._uploads.take(seller.id) for _ in range(2)]
        try:
            answer = upload(client, seller, product_id)
            assert refusal(answer) == (503, "BUSY")
            assert int(answer.headers["Retry-After"]) > 0
        finally:
            leave[0]()
        for body in (b"", GUIDE, b"", GUIDE):
            upload(client, seller, product_id, body)
        assert upload(client, seller, product_id).status_code == 200
        leave[1]()


class TestTakingAway:
    def test_what_nobody_has_bought_can_be_taken_away(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        path = f"{API}/products/{product_id}/file"

        assert client.delete(path, headers=seller.headers).status_code == 204

        assert refusal(client.get(path, headers=seller.headers)) == (404, "FILE_NOT_FOUND")
        assert refusal(client.delete(path, headers=seller.headers)) == (404, "FILE_NOT_FOUND")
        assert "Field Guide" not in names(client)
        again = upload(client, seller, product_id)
        assert (again.status_code, again.json["version"]) == (201, 2)
        assert "Field Guide" in names(client)
        assert [what for what, _ in events_of(product_id)] == [
            "product-file-uploaded",
            "product-file-removed",
            "product-file-uploaded",
        ]

    def test_what_was_bought_stays(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        bought(client, factories.buyer(), product_id)

        answer = client.delete(f"{API}/products/{product_id}/file", headers=seller.headers)

        assert refusal(answer) == (409, "FILE_SOLD")


def test_without_a_folder_it_is_made(settings: Settings, tmp_path: Path) -> None:
    from app.delivery.files.folder import FolderStorage

    folder = tmp_path / "some" / "where"
    with FolderStorage(folder).receive([b"abc"]) as draft:
        draft.keep("abcd.1")
    assert FolderStorage(folder).size_of("abcd.1") == 3
