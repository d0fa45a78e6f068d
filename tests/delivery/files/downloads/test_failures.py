"""Downloads when the storage fails, and what logs and errors contain."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common.logging import redact
from app.delivery.files.downloads import views
from app.storage import service as storage
from app.storage.errors import ContentMissing
from app.storage.folder import FolderStorage
from app.storage.interface import ContentTruncated
from tests.delivery.files.downloads.helpers import get, served
from tests.delivery.files.helpers import (
    API,
    delivered,
    link_of,
    sold,
)
from tests.responses import refusal


class TestStorage:
    def test_missing_content_is_an_internal_error_and_is_not_counted(
        self, client: FlaskClient
    ) -> None:
        line = sold(client, b"content" * 100)
        link = link_of(line)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FolderStorage, "open", _missing)
            assert refusal(get(client, link)) == (500, "INTERNAL_ERROR")

        assert served(link) == 0
        assert views._downloads._running == {}
        assert get(client, link).status_code == 200

    def test_truncated_content_aborts_the_response(self, client: FlaskClient) -> None:
        line = sold(client, b"longer than the truncated file" * 99)
        link = link_of(line)
        folder = storage.current()
        assert isinstance(folder, FolderStorage)
        (path,) = folder._folder.rglob(f"{delivered(line)['sha256']}.*")
        path.write_bytes(b"short")
        with client.get(link) as answer, pytest.raises(ContentTruncated):
            list(answer.response)
        assert served(link) == 5
        path.unlink()

    def test_a_disconnect_closes_the_content(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[Any] = []
        original = FolderStorage.open

        def recording_open(*args: Any, **kwargs: Any) -> Any:
            opened.append(original(*args, **kwargs))
            return opened[-1]

        monkeypatch.setattr(FolderStorage, "open", recording_open)
        link = link_of(sold(client, b"x" * 1_000_000))
        for chunks in (0, 1, 100):
            with client.get(link) as answer:
                for _, _ in zip(range(chunks), answer.response, strict=False):
                    pass
            assert opened[-1]._read.__self__.closed
        assert views._downloads._running == {}


class TestSecrecy:
    def test_an_error_does_not_contain_the_link(self, client: FlaskClient) -> None:
        link = link_of(sold(client))[:-3]

        body = client.get(link).json

        assert body["path"] == f"{API}/downloads/[redacted]"

    @pytest.mark.parametrize("around", ["{}.", "{})", "<{}>", "{},%20thanks", "{}%E2%80%9D"])
    def test_an_error_does_not_contain_a_link_with_punctuation(
        self, client: FlaskClient, around: str
    ) -> None:
        start, _, token = link_of(sold(client)).rpartition("/")

        answer = client.get(f"{start}/{around.format(token)}")

        assert refusal(answer) == (404, "DOWNLOAD_LINK_INVALID")
        assert token not in answer.text

    def test_the_log_does_not_contain_the_link(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        logged: list[dict[str, Any]] = []
        monkeypatch.setattr(
            "app.common.middleware.log",
            type("Log", (), {"info": staticmethod(lambda event, **fields: logged.append(fields))}),
        )
        link = link_of(sold(client))
        get(client, f"{link}?secret=1")

        assert logged[-1]["path"] == f"{API}/downloads/[redacted]"
        assert link.rpartition("/")[2] not in str(logged)
        assert redact(None, "", {"download_token": link}) == {"download_token": "[redacted]"}


def _missing(*_: Any, **__: Any) -> Any:
    raise ContentMissing
