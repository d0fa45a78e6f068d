"""Keeping files: in a folder, and in a bucket. Both keep the same promises."""

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
from app.delivery.files import storage
from app.delivery.files.contents import Storage
from app.delivery.files.errors import ContentMissing, StorageAway
from app.delivery.files.folder import FolderStorage
from app.delivery.files.s3 import PART_BYTES, S3Storage
from tests.delivery.files.helpers import sha256
from tests.fake_s3 import FakeS3

SMALL = bytes(range(256)) * 100
LARGE = os.urandom(PART_BYTES * 2 + 12_345)
PLACE = f"{'ab' * 32}.1"


@dataclass(frozen=True)
class Kept:
    """A storage, and how many things are in it, drafts included."""

    storage: Storage
    count: Callable[[], int]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-the-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests")
    with FakeS3.open() as opened:
        yield opened
        assert opened.complaints == []


def s3_of(bucket: FakeS3) -> S3Storage:
    return S3Storage(FakeS3.NAME, endpoint=bucket.url, region="us-east-1")


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "folder":
        return Kept(
            FolderStorage(tmp_path), lambda: sum(path.is_file() for path in tmp_path.rglob("*"))
        )
    bucket: FakeS3 = request.getfixturevalue("bucket")
    return Kept(s3_of(bucket), lambda: len(bucket.objects) + len(bucket.uploads))


def in_pieces(body: bytes, size: int = 100_000) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def keep(kept: Kept, body: bytes, place: str = PLACE) -> None:
    with kept.storage.receive(in_pieces(body)) as draft:
        assert (draft.sha256, draft.size) == (sha256(body), len(body))
        draft.keep(place)


def read(kept: Kept, start: int, end: int, place: str = PLACE) -> bytes:
    content = kept.storage.open(place, start=start, end=end)
    try:
        return b"".join(content)
    finally:
        content.close()
        content.close()


@pytest.mark.parametrize("body", [b"x", SMALL, LARGE[:PART_BYTES], LARGE], ids=len)
def test_what_is_kept_is_there(kept: Kept, body: bytes) -> None:
    keep(kept, body)

    assert kept.storage.size_of(PLACE) == len(body)
    assert read(kept, 0, len(body)) == body
    assert kept.count() == 1


def test_any_part_of_it_can_be_read(kept: Kept) -> None:
    keep(kept, SMALL)

    for start, end in ((0, 1), (100, 5000), (len(SMALL) - 1, len(SMALL))):
        assert read(kept, start, end) == SMALL[start:end]


@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=len)
def test_what_is_not_kept_leaves_nothing(kept: Kept, body: bytes) -> None:
    with kept.storage.receive(in_pieces(body)) as draft:
        assert draft.size == len(body)

    assert kept.count() == 0


@pytest.mark.parametrize("pieces", [1, 100], ids=["early", "late"])
def test_what_breaks_off_leaves_nothing(kept: Kept, pieces: int) -> None:
    def breaking() -> Iterator[bytes]:
        for number, piece in enumerate(in_pieces(LARGE)):
            if number == pieces:
                raise KeyError("broken off")
            yield piece

    with pytest.raises(KeyError), kept.storage.receive(breaking()):
        raise AssertionError("unreachable")

    assert kept.count() == 0


def test_the_same_place_can_be_filled_again(kept: Kept) -> None:
    for _ in range(2):
        keep(kept, LARGE)

    assert read(kept, 0, len(LARGE)) == LARGE
    assert kept.count() == 1


def test_what_is_deleted_is_gone_and_can_be_deleted_again(kept: Kept) -> None:
    keep(kept, SMALL)
    for _ in range(2):
        kept.storage.delete(PLACE)

    assert kept.storage.size_of(PLACE) is None
    assert kept.count() == 0
    with pytest.raises(ContentMissing):
        kept.storage.open(PLACE, start=0, end=1)


def test_old_drafts_are_forgotten_and_new_ones_and_what_is_kept_are_not(kept: Kept) -> None:
    keep(kept, SMALL)
    inside = kept.storage.receive(in_pieces(LARGE))
    inside.__enter__()
    assert kept.count() == 2

    assert kept.storage.forget_drafts(before=clock.now() - timedelta(days=1)) == 0
    assert kept.count() == 2
    assert kept.storage.forget_drafts(before=clock.now() + timedelta(days=1)) == 1
    assert kept.count() == 1
    inside.__exit__(None, None, None)
    assert read(kept, 0, len(SMALL)) == SMALL


def test_without_drafts_there_are_none_to_forget(kept: Kept) -> None:
    assert kept.storage.forget_drafts(before=clock.now()) == 0


class TestFolder:
    def test_a_draft_that_is_kept_meanwhile_keeps_no_other_from_being_forgotten(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        incoming = tmp_path / "incoming"
        incoming.mkdir()
        left_behind = incoming / "left-behind"
        left_behind.touch()
        monkeypatch.setattr(Path, "iterdir", lambda _: iter([incoming / "kept", left_behind]))

        assert FolderStorage(tmp_path).forget_drafts(before=clock.now() + timedelta(days=1)) == 1

        assert not left_behind.exists()


class TestBucket:
    def test_an_upload_that_was_never_completed_is_forgotten(self, bucket: FakeS3) -> None:
        storage = s3_of(bucket)
        storage.do("create_multipart_upload", Key="incoming/left-behind")
        assert len(bucket.uploads) == 1

        assert storage.forget_drafts(before=clock.now() + timedelta(days=1)) == 1

        assert bucket.uploads == {}

    def test_parts_are_of_one_size(self, bucket: FakeS3) -> None:
        keep(Kept(s3_of(bucket), lambda: 0), LARGE)

        assert bucket.part_sizes == [PART_BYTES, PART_BYTES, 12_345]

    @pytest.mark.parametrize("act", ["PUT", "GET", "HEAD"])
    def test_a_bucket_that_fails_is_away(
        self, bucket: FakeS3, act: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", _no_pause)
        kept = Kept(s3_of(bucket), lambda: 0)
        keep(kept, SMALL)
        bucket.failing = {act}

        acts: dict[str, Callable[[], object]] = {
            "PUT": lambda: keep(kept, SMALL),
            "GET": lambda: read(kept, 0, 1),
            "HEAD": lambda: kept.storage.size_of(PLACE),
        }
        with pytest.raises(StorageAway):
            acts[act]()
        bucket.failing = set()
        assert read(kept, 0, 5) == SMALL[:5]

    def test_nobody_there_is_away(self, bucket: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", _no_pause)
        nowhere = S3Storage(FakeS3.NAME, endpoint="http://127.0.0.1:1", region="us-east-1")
        with pytest.raises(StorageAway):
            nowhere.size_of(PLACE)

    def test_the_settings_choose_it(self, bucket: FakeS3, tmp_path: Path) -> None:
        in_a_bucket = Settings(
            files_s3_bucket=FakeS3.NAME,
            files_s3_endpoint=bucket.url,
            files_s3_region="us-east-1",
        )
        assert isinstance(storage.from_settings(in_a_bucket), S3Storage)
        assert isinstance(storage.from_settings(Settings(files_dir=tmp_path)), FolderStorage)


def test_who_does_not_need_a_bucket_does_not_pay_for_it() -> None:
    """Nothing but s3.py imports boto3, and nothing imports that when it is loaded itself."""
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
            assert not names & {"boto3", "botocore", "app.delivery.files.s3"}, path


def _no_pause(*_: Any, **__: Any) -> float:
    return 0
