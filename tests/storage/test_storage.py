"""Storages: a folder and a bucket behave the same."""

import ast
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.common import clock
from app.common.settings import PROJECT_ROOT, Settings
from app.storage import service as storage
from app.storage.errors import ContentMissing, StorageUnavailable
from app.storage.folder import FolderStorage
from app.storage.interface import Storage
from app.storage.s3 import PART_BYTES, S3Storage
from tests.delivery.files.helpers import sha256
from tests.fake_s3 import FakeS3

SMALL = bytes(range(256)) * 100
LARGE = os.urandom(PART_BYTES * 2 + 12_345)
KEY = f"{'ab' * 32}.1"


@dataclass(frozen=True)
class Backend:
    """A storage, and the number of its objects, including staged ones."""

    storage: Storage
    count: Callable[[], int]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-the-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests")
    with FakeS3.open() as opened:
        yield opened
        assert opened.violations == []


def s3_of(bucket: FakeS3) -> S3Storage:
    return S3Storage(FakeS3.NAME, endpoint=bucket.url, region="us-east-1")


@pytest.fixture(params=["folder", "bucket"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    if request.param == "folder":
        return Backend(
            FolderStorage(tmp_path), lambda: sum(path.is_file() for path in tmp_path.rglob("*"))
        )
    bucket: FakeS3 = request.getfixturevalue("bucket")
    return Backend(s3_of(bucket), lambda: len(bucket.objects) + len(bucket.uploads))


def in_chunks(body: bytes, size: int = 100_000) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def store(backend: Backend, body: bytes, key: str = KEY) -> None:
    with backend.storage.receive(in_chunks(body)) as staged:
        assert (staged.sha256, staged.size) == (sha256(body), len(body))
        staged.store(key)


def read(backend: Backend, start: int, end: int, key: str = KEY) -> bytes:
    content = backend.storage.open(key, start=start, end=end)
    try:
        return b"".join(content)
    finally:
        content.close()
        content.close()


@pytest.mark.parametrize("body", [b"x", SMALL, LARGE[:PART_BYTES], LARGE], ids=len)
def test_stored_content_can_be_read(backend: Backend, body: bytes) -> None:
    store(backend, body)

    assert backend.storage.get_size(KEY) == len(body)
    assert read(backend, 0, len(body)) == body
    assert backend.count() == 1


def test_any_range_can_be_read(backend: Backend) -> None:
    store(backend, SMALL)

    for start, end in ((0, 1), (100, 5000), (len(SMALL) - 1, len(SMALL))):
        assert read(backend, start, end) == SMALL[start:end]


@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=len)
def test_content_that_was_not_stored_is_discarded(backend: Backend, body: bytes) -> None:
    with backend.storage.receive(in_chunks(body)) as staged:
        assert staged.size == len(body)

    assert backend.count() == 0


@pytest.mark.parametrize("chunks", [1, 100], ids=["early", "late"])
def test_interrupted_content_is_discarded(backend: Backend, chunks: int) -> None:
    def breaking() -> Iterator[bytes]:
        for number, chunk in enumerate(in_chunks(LARGE)):
            if number == chunks:
                raise KeyError("interrupted")
            yield chunk

    with pytest.raises(KeyError), backend.storage.receive(breaking()):
        raise AssertionError("unreachable")

    assert backend.count() == 0


def test_a_key_can_be_overwritten(backend: Backend) -> None:
    for _ in range(2):
        store(backend, LARGE)

    assert read(backend, 0, len(LARGE)) == LARGE
    assert backend.count() == 1


def test_deleting_is_idempotent(backend: Backend) -> None:
    store(backend, SMALL)
    for _ in range(2):
        backend.storage.delete(KEY)

    assert backend.storage.get_size(KEY) is None
    assert backend.count() == 0
    with pytest.raises(ContentMissing):
        backend.storage.open(KEY, start=0, end=1)


def test_only_old_staged_content_is_deleted(backend: Backend) -> None:
    store(backend, SMALL)
    staging = backend.storage.receive(in_chunks(LARGE))
    staging.__enter__()
    assert backend.count() == 2

    assert backend.storage.delete_staged(before=clock.now() - timedelta(days=1)) == 0
    assert backend.count() == 2
    assert backend.storage.delete_staged(before=clock.now() + timedelta(days=1)) == 1
    assert backend.count() == 1
    staging.__exit__(None, None, None)
    assert read(backend, 0, len(SMALL)) == SMALL


def test_without_staged_content_nothing_is_deleted(backend: Backend) -> None:
    assert backend.storage.delete_staged(before=clock.now()) == 0


class TestFolder:
    def test_content_stored_in_the_meantime_does_not_stop_the_deletion(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        incoming = tmp_path / "incoming"
        incoming.mkdir()
        left_behind = incoming / "left-behind"
        left_behind.touch()
        monkeypatch.setattr(Path, "iterdir", lambda _: iter([incoming / "kept", left_behind]))

        assert FolderStorage(tmp_path).delete_staged(before=clock.now() + timedelta(days=1)) == 1

        assert not left_behind.exists()


class TestBucket:
    def test_an_incomplete_multipart_upload_is_deleted(self, bucket: FakeS3) -> None:
        storage = s3_of(bucket)
        storage.do("create_multipart_upload", Key="incoming/left-behind")
        assert len(bucket.uploads) == 1

        assert storage.delete_staged(before=clock.now() + timedelta(days=1)) == 1

        assert bucket.uploads == {}

    def test_parts_are_of_equal_size(self, bucket: FakeS3) -> None:
        store(Backend(s3_of(bucket), lambda: 0), LARGE)

        assert bucket.part_sizes == [PART_BYTES, PART_BYTES, 12_345]

    @pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
    def test_a_failing_bucket_is_unavailable(
        self, bucket: FakeS3, method: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", _no_pause)
        backend = Backend(s3_of(bucket), lambda: 0)
        store(backend, SMALL)
        bucket.failing = {method}

        calls: dict[str, Callable[[], object]] = {
            "PUT": lambda: store(backend, SMALL),
            "GET": lambda: read(backend, 0, 1),
            "HEAD": lambda: backend.storage.get_size(KEY),
        }
        with pytest.raises(StorageUnavailable):
            calls[method]()
        bucket.failing = set()
        assert read(backend, 0, 5) == SMALL[:5]

    def test_an_unreachable_bucket_is_unavailable(
        self, bucket: FakeS3, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", _no_pause)
        nowhere = S3Storage(FakeS3.NAME, endpoint="http://127.0.0.1:1", region="us-east-1")
        with pytest.raises(StorageUnavailable):
            nowhere.get_size(KEY)

    def test_the_settings_select_the_storage(self, bucket: FakeS3, tmp_path: Path) -> None:
        in_a_bucket = Settings(
            files_s3_bucket=FakeS3.NAME,
            files_s3_endpoint=bucket.url,
            files_s3_region="us-east-1",
        )
        assert isinstance(storage.from_settings(in_a_bucket), S3Storage)
        assert isinstance(storage.from_settings(Settings(files_dir=tmp_path)), FolderStorage)


def test_boto3_is_imported_only_for_a_bucket() -> None:
    """Only s3.py imports boto3, and no module imports s3.py at module level."""
    for path in (PROJECT_ROOT / "app").rglob("*.py"):
        loaded = ast.parse(path.read_text()).body
        names = {
            name
            for node in loaded
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }
        if path.name != "s3.py":
            assert not names & {"boto3", "botocore", "app.storage.s3"}, path


def _no_pause(*_: Any, **__: Any) -> float:
    return 0
