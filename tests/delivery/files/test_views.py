"""The files of products, as their merchants manage them."""

import os
import stat
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import http
from app.common.db import reading
from app.common.settings import Settings
from app.delivery.files.models import ProductFile
from app.events.models import OutboxEvent
from app.storage.models import FileContent
from tests import factories
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
from tests.responses import refusal


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

    def test_the_name_can_be_in_the_header(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        header = {"Content-Disposition": "attachment; filename*=UTF-8''gr%C3%BC%C3%9Fe.pdf"}

        answer = upload(client, seller, file_product(seller), name="other", **header)

        assert answer.json["name"] == "grüße.pdf"

    def test_another_file_is_a_new_version(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)

        answer = upload(client, seller, product_id, b"second edition", name="second.pdf")

        assert answer.status_code == 200
        assert (answer.json["version"], answer.json["name"]) == (2, "second.pdf")
        assert [what for what, _ in events_of(product_id)] == ["product-file-uploaded"] * 2

    def test_uploading_the_current_file_again_has_no_effect(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        before = client.get(f"{API}/products/{product_id}/file", headers=seller.headers).json

        answer = upload(client, seller, product_id)

        assert (answer.status_code, answer.json) == (200, before)
        assert len(events_of(product_id)) == 1

    def test_the_same_bytes_are_stored_once(
        self, client: FlaskClient, stored_files: Callable[[], dict[str, bytes]]
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
        assert stored_files()[sha256(body)] == body

    def test_only_its_owner_can_read_a_stored_file(
        self, client: FlaskClient, settings: Settings
    ) -> None:
        body = os.urandom(1000)
        on_sale(client, factories.merchant(), body)

        (path,) = settings.files_folder.rglob(f"{sha256(body)}.*")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.parent.parent.parent == settings.files_folder
        for folder in (path.parent, path.parent.parent, settings.files_folder):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_a_large_file_is_never_completely_in_memory(self, client: FlaskClient) -> None:
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


class TestConcurrencyLimit:
    def test_a_merchant_has_at_most_two_uploads_in_progress(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = factories.merchant()
        product_id = file_product(seller)
        leave = [http.large_bodies.acquire(str(seller.id)) for _ in range(2)]
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


class TestDeleting:
    def test_an_unsold_file_can_be_deleted(self, client: FlaskClient) -> None:
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

    def test_a_sold_file_cannot_be_deleted(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        bought(client, factories.buyer(), product_id)

        answer = client.delete(f"{API}/products/{product_id}/file", headers=seller.headers)

        assert refusal(answer) == (409, "FILE_SOLD")


def test_a_missing_folder_is_created(settings: Settings, tmp_path: Path) -> None:
    from app.storage.folder import FolderStorage

    folder = tmp_path / "some" / "where"
    with FolderStorage(folder).receive([b"abc"]) as staged:
        staged.store("abcd.1")
    assert FolderStorage(folder).get_size("abcd.1") == 3
