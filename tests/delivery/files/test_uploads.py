"""Uploads: their bodies, and those that are refused."""

import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common.settings import Settings
from tests import factories
from tests.delivery.files.helpers import (
    API,
    GUIDE,
    file_product,
    on_sale,
    sha256,
    upload,
)
from tests.responses import error_body, refusal


class _SlowBody(io.RawIOBase):
    """A body that arrives in small chunks."""

    def __init__(self, body: bytes) -> None:
        self._rest = memoryview(body)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._rest[: min(len(buffer), 777)]
        buffer[: len(chunk)] = chunk
        self._rest = self._rest[len(chunk) :]
        return len(chunk)


class TestBodies:
    @pytest.fixture
    def seller(self, client: FlaskClient) -> factories.Actor:
        return factories.merchant()

    @pytest.fixture(autouse=True)
    def no_staged_content_remains(self, settings: Settings, client: FlaskClient) -> Iterator[None]:
        yield
        assert list((settings.files_folder / "incoming").glob("*")) == []

    def send(
        self, client: FlaskClient, seller: factories.Actor, body: bytes, **environ: Any
    ) -> Any:
        return client.put(
            f"{API}/products/{file_product(seller)}/file?name=a.bin",
            headers=seller.headers,
            environ_overrides={
                "wsgi.input": _SlowBody(body),
                "wsgi.input_terminated": True,
                **environ,
            },
        )

    def test_chunks_of_any_size_are_accepted(
        self, client: FlaskClient, seller: factories.Actor
    ) -> None:
        answer = self.send(client, seller, GUIDE, CONTENT_LENGTH=str(len(GUIDE)))

        assert (answer.status_code, answer.json["sha256"]) == (201, sha256(GUIDE))

    def test_a_truncated_body_is_refused(
        self,
        client: FlaskClient,
        seller: factories.Actor,
        stored_files: Callable[[], dict[str, bytes]],
    ) -> None:
        body = os.urandom(5000)
        answer = self.send(client, seller, body, CONTENT_LENGTH="5001")

        assert refusal(answer) == (400, "BODY_INCOMPLETE")
        assert sha256(body) not in stored_files()

    def test_a_body_of_unknown_length_is_refused(
        self, client: FlaskClient, seller: factories.Actor
    ) -> None:
        answer = self.send(client, seller, GUIDE, HTTP_TRANSFER_ENCODING="chunked")

        assert refusal(answer) == (411, "LENGTH_REQUIRED")

    def test_an_empty_file_is_refused(self, client: FlaskClient, seller: factories.Actor) -> None:
        assert refusal(upload(client, seller, file_product(seller), b"")) == (400, "FILE_EMPTY")

    def test_a_body_above_the_limit_is_refused(
        self, client: FlaskClient, seller: factories.Actor, change_settings: Callable[..., None]
    ) -> None:
        change_settings(file_max_bytes=1000)
        product_id = file_product(seller)

        assert refusal(upload(client, seller, product_id, b"x" * 1001)) == (413, "BODY_TOO_LARGE")
        assert upload(client, seller, product_id, b"x" * 1000).status_code == 201

    def test_a_full_disk_is_reported(
        self, client: FlaskClient, seller: factories.Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("app.storage.folder.os.fsync", full)

        assert refusal(upload(client, seller, file_product(seller))) == (507, "STORAGE_FULL")


class TestRefusals:
    def test_other_kinds_of_products_cannot_have_a_file(self, client: FlaskClient) -> None:
        seller = factories.merchant()

        answer = upload(client, seller, factories.product(seller))

        assert refusal(answer) == (400, "NOT_A_FILE_PRODUCT")

    def test_only_the_owner_can_manage_the_file(self, client: FlaskClient) -> None:
        product_id = on_sale(client, factories.merchant())
        other = factories.merchant()

        for method, query in (("PUT", "?name=a"), ("GET", ""), ("DELETE", "")):
            answer = client.open(
                f"{API}/products/{product_id}/file{query}",
                method=method,
                data=b"other",
                headers=other.headers,
            )
            assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")

    def test_a_deleted_product_cannot_get_a_file(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        client.delete(f"{API}/products/{product_id}", headers=seller.headers)

        assert refusal(upload(client, seller, product_id, b"new")) == (404, "PRODUCT_NOT_FOUND")
        answer = client.delete(f"{API}/products/{product_id}/file", headers=seller.headers)
        assert refusal(answer) == (404, "PRODUCT_NOT_FOUND")

    @pytest.mark.parametrize("name", [None, "", "../a", "a\x07"])
    def test_a_valid_name_is_required(self, client: FlaskClient, name: str | None) -> None:
        seller = factories.merchant()

        answer = upload(client, seller, file_product(seller), name=name)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == ["name"]

    def test_a_form_is_refused(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        answer = client.put(
            f"{API}/products/{file_product(seller)}/file?name=a",
            data={"file": (io.BytesIO(GUIDE), "guide.pdf")},
            headers=seller.headers,
        )
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")

    @pytest.mark.parametrize(
        ("header", "value", "refused"),
        [
            ("Content-Range", "bytes 10-19/20", (400, "VALIDATION_ERROR")),
            ("Content-Encoding", "gzip", (415, "UNSUPPORTED_MEDIA_TYPE")),
            ("Content-Encoding", "identity", None),
        ],
    )
    def test_partial_and_encoded_files_are_refused(
        self, client: FlaskClient, header: str, value: str, refused: tuple[int, str] | None
    ) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)

        answer = upload(client, seller, product_id, b"new", **{header: value})

        assert answer.status_code == (refused or (200,))[0]
        if refused:
            assert refusal(answer) == refused
        current = client.get(f"{API}/products/{product_id}/file", headers=seller.headers).json
        assert current["version"] == (1 if refused else 2)

    def test_allowed_media_types_can_be_configured(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(file_types=("application/zip",))
        seller = factories.merchant()

        answer = upload(client, seller, file_product(seller))

        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert "application/zip" in error_body(answer)["message"]

    def test_signing_out_during_an_upload_cancels_it(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = factories.merchant()
        product_id = file_product(seller)

        def sign_out_then_store() -> Any:
            client.post(f"{API}/auth/logout", headers=seller.headers)
            return store_body()

        from app.delivery.files import views

        store_body = views._store_body
        monkeypatch.setattr(views, "_store_body", sign_out_then_store)

        assert refusal(upload(client, seller, product_id)) == (401, "UNAUTHORIZED")
        assert client.get(f"{API}/products/{product_id}").json["isReady"] is False
