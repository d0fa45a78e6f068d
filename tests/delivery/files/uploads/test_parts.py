"""Uploads in parts: interrupted, continued, completed, and refused."""

import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from hashlib import sha256 as digest
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.auth.scopes import Scope
from app.common import clock, queue
from app.common.db import transaction
from app.common.settings import Settings
from app.delivery.files.uploads import repository, service, tasks
from app.storage import service as storage
from app.storage import tasks as storage_tasks
from app.storage.s3 import S3Storage
from tests import factories
from tests.delivery.files.helpers import API, file_product, on_sale, sha256, upload
from tests.fake_s3 import FakeS3
from tests.responses import error_body, refusal

PART = 1000
FILE = os.urandom(2 * PART + 345)
PARTS = [FILE[:PART], FILE[PART : 2 * PART], FILE[2 * PART :]]


class Sender:
    """A merchant's program that sends a file in parts."""

    def __init__(self, client: FlaskClient, seller: factories.Actor, product_id: UUID) -> None:
        self.client = client
        self.headers = seller.headers
        self.path = f"{API}/products/{product_id}/file"
        self.id = ""

    def begin(self, *, size: int = len(FILE), name: str = "course.zip") -> TestResponse:
        body = {"name": name, "mediaType": "application/zip", "size": size}
        answer = self.client.post(f"{self.path}/upload", json=body, headers=self.headers)
        if answer.status_code < 300:
            self.id = answer.json["id"]
        return answer

    def send(
        self,
        number: int,
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> TestResponse:
        return self.client.put(
            f"{self.path}/upload/{self.id}/parts/{number}",
            data=PARTS[number - 1] if body is None else body,
            headers={**self.headers, **headers},
        )

    def complete(self, *, sha256: str | None = None) -> TestResponse:
        return self.client.post(
            f"{self.path}/upload/{self.id}/complete", json={"sha256": sha256}, headers=self.headers
        )

    def unfinished(self) -> TestResponse:
        return self.client.get(f"{self.path}/upload", headers=self.headers)

    def current(self) -> Any:
        return self.client.get(self.path, headers=self.headers).json


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PART_BYTES", PART)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(queue, "enqueue_call", lambda *job: found.append(job))
    return found


@pytest.fixture
def seller(client: FlaskClient) -> factories.Actor:
    return factories.merchant()


@pytest.fixture
def sender(client: FlaskClient, seller: factories.Actor) -> Sender:
    return Sender(client, seller, file_product(seller))


@pytest.fixture(autouse=True)
def staged(settings: Settings, client: FlaskClient) -> Iterator[Callable[[], list[Path]]]:
    """Call it for the staged parts."""

    def read() -> list[Path]:
        return list((settings.files_folder / "incoming").glob("*"))

    yield read
    for path in read():
        path.unlink()


def stated(body: bytes) -> dict[str, str]:
    return {"Content-Digest": f"sha-256=:{b64encode(digest(body).digest()).decode()}:"}


def test_a_file_is_put_together_from_its_parts(sender: Sender) -> None:
    begun = sender.begin()
    assert (begun.status_code, begun.json["partSize"], begun.json["parts"]) == (201, PART, [])
    for number in (3, 1, 2):
        answer = sender.send(number, headers=stated(PARTS[number - 1]))
        assert answer.json == {"number": number, "sha256": sha256(PARTS[number - 1])}

    answer = sender.complete(sha256=sha256(FILE))

    assert answer.status_code == 201
    assert (answer.json["sha256"], answer.json["size"]) == (sha256(FILE), len(FILE))
    assert (answer.json["name"], answer.json["mediaType"]) == ("course.zip", "application/zip")
    assert sender.current() == answer.json


def test_an_interrupted_upload_is_continued(sender: Sender) -> None:
    first = sender.begin().json
    sender.send(2)

    again = sender.begin()

    assert again.status_code == 200
    assert (again.json["id"], again.json["receivedBytes"]) == (first["id"], PART)
    assert again.json["parts"] == [{"number": 2, "sha256": sha256(PARTS[1])}]
    assert sender.unfinished().json == again.json
    sender.send(1)
    sender.send(3)
    assert sender.complete().json["sha256"] == sha256(FILE)
    assert refusal(sender.unfinished()) == (404, "FILE_UPLOAD_NOT_FOUND")


def test_whatever_is_repeated_has_no_further_effect(sender: Sender) -> None:
    sender.begin()
    for number in (1, 1, 2, 3, 3):
        assert sender.send(number).status_code == 200
    first, again = sender.complete(), sender.complete()

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json, again.json["version"]) == (again.json, 1)


def test_a_new_file_replaces_the_old_one(client: FlaskClient, seller: factories.Actor) -> None:
    sender = Sender(client, seller, on_sale(client, seller))
    sender.begin()
    for number in (1, 2, 3):
        sender.send(number)

    answer = sender.complete()

    assert (answer.status_code, answer.json["version"]) == (200, 2)


def test_a_key_with_the_scope_can_upload(client: FlaskClient, seller: factories.Actor) -> None:
    sender = Sender(client, seller, file_product(seller))
    sender.headers = factories.api_key(seller, Scope.DELIVERY_WRITE).headers
    sender.begin()
    for number in (1, 2, 3):
        sender.send(number)

    assert sender.complete().status_code == 201


def set_quota(monkeypatch: pytest.MonkeyPatch, maximum: int) -> None:
    """The bytes of files that a merchant may store."""
    maximums = {**quotas.maximums(), Quota.FILE_BYTES: maximum}
    monkeypatch.setattr(quotas, "maximums", lambda: maximums)


class TestRefusals:
    def test_parts_of_another_size_or_number(self, sender: Sender) -> None:
        sender.begin()

        for number, body in ((1, FILE[:999]), (3, PARTS[2] + b"x"), (4, b"x"), (0, b"x")):
            assert refusal(sender.send(number, body)) == (400, "FILE_PART_INVALID")
        assert sender.begin().json["parts"] == []

    def test_a_part_that_arrives_damaged(
        self, sender: Sender, staged: Callable[[], list[Path]]
    ) -> None:
        sender.begin()

        answer = sender.send(1, os.urandom(PART), stated(PARTS[0]))

        assert refusal(answer) == (400, "DIGEST_MISMATCH")
        assert staged() == []

    def test_other_bytes_in_place_of_a_part(
        self, sender: Sender, staged: Callable[[], list[Path]]
    ) -> None:
        sender.begin()
        sender.send(1)

        assert refusal(sender.send(1, os.urandom(PART))) == (409, "FILE_PART_DIFFERS")
        assert len(staged()) == 1

    def test_other_bytes_that_arrive_at_the_same_time_leave_nothing_behind(
        self,
        sender: Sender,
        staged: Callable[[], list[Path]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sender.begin()
        add = service.add_part

        def be_overtaken(session: Session, **values: Any) -> Any:
            repository.insert_part(
                session, upload_id=values["upload_id"], number=1, sha256=sha256(PARTS[0])
            )
            return add(session, **values)

        monkeypatch.setattr(service, "add_part", be_overtaken)

        assert refusal(sender.send(1, os.urandom(PART))) == (409, "FILE_PART_DIFFERS")
        assert staged() == []

    def test_completing_without_all_parts(self, sender: Sender) -> None:
        sender.begin()
        sender.send(1)

        answer = sender.complete()

        assert refusal(answer) == (409, "FILE_PARTS_MISSING")
        assert error_body(answer)["details"] == {"missing": 2}

    def test_a_file_with_another_digest(self, sender: Sender) -> None:
        sender.begin()
        for number in (1, 2, 3):
            sender.send(number)

        assert refusal(sender.complete(sha256="0" * 64)) == (400, "DIGEST_MISMATCH")
        assert sender.unfinished().json["receivedBytes"] == len(FILE)
        assert sender.complete(sha256=sha256(FILE)).status_code == 201

    def test_a_part_that_was_damaged_in_the_storage(
        self, sender: Sender, staged: Callable[[], list[Path]]
    ) -> None:
        sender.begin()
        for number in (1, 2, 3):
            sender.send(number)
        staged()[0].write_bytes(b"x" * staged()[0].stat().st_size)

        assert sender.complete().status_code == 500
        assert sender.current()["error"] == "FILE_NOT_FOUND"

    def test_uploads_of_others_and_of_other_products(
        self, client: FlaskClient, seller: factories.Actor, sender: Sender
    ) -> None:
        sender.begin()
        elsewhere = Sender(client, seller, file_product(seller))
        stranger = Sender(client, factories.merchant(), file_product(seller))
        elsewhere.id = stranger.id = sender.id
        stranger.path = sender.path

        assert refusal(elsewhere.send(1)) == (404, "FILE_UPLOAD_NOT_FOUND")
        assert stranger.send(1).status_code in (403, 404)
        assert stranger.unfinished().status_code in (403, 404)
        assert sender.unfinished().json["parts"] == []

    def test_products_without_files_and_files_above_the_maximum(
        self,
        client: FlaskClient,
        seller: factories.Actor,
        sender: Sender,
        change_settings: Callable[..., None],
    ) -> None:
        other = Sender(client, seller, factories.product(seller))
        assert refusal(other.begin()) == (400, "NOT_A_FILE_PRODUCT")

        change_settings(file_max_bytes=2000)
        assert refusal(sender.begin()) == (413, "BODY_TOO_LARGE")

    def test_a_file_above_the_quota_before_any_byte(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_quota(monkeypatch, 2000)

        assert refusal(sender.begin()) == (403, "QUOTA_EXCEEDED")
        assert sender.begin(size=2000).status_code == 201

    def test_unfinished_uploads_need_room(
        self,
        client: FlaskClient,
        seller: factories.Actor,
        sender: Sender,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        set_quota(monkeypatch, 3000)
        other = Sender(client, seller, file_product(seller))
        third = Sender(client, seller, file_product(seller))

        assert sender.begin(size=3000).status_code == 201
        assert other.begin(size=3000).status_code == 201
        assert refusal(third.begin(size=1)) == (403, "QUOTA_EXCEEDED")
        whole = upload(client, seller, file_product(seller), b"x")
        assert refusal(whole) == (403, "QUOTA_EXCEEDED")


class TestWhatRemains:
    def test_parts_of_a_completed_upload_are_deleted(
        self, sender: Sender, jobs: list[tuple[Any, ...]], staged: Callable[[], list[Path]]
    ) -> None:
        sender.begin()
        for number in (1, 2, 3):
            sender.send(number)
        assert len(staged()) == 3

        sender.complete()

        assert jobs == [(tasks.delete_parts, UUID(sender.id))]
        assert [tasks.delete_parts(UUID(sender.id)) for _ in range(2)] == [3, 3]
        assert staged() == []
        assert sender.current()["sha256"] == sha256(FILE)

    def test_a_deleted_upload_is_over(
        self, client: FlaskClient, sender: Sender, jobs: list[tuple[Any, ...]]
    ) -> None:
        sender.begin()
        sender.send(1)

        answer = client.delete(f"{sender.path}/upload/{sender.id}", headers=sender.headers)

        assert answer.status_code == 204
        assert jobs == [(tasks.delete_parts, UUID(sender.id))]
        assert refusal(sender.send(2)) == (404, "FILE_UPLOAD_NOT_FOUND")
        assert refusal(sender.complete()) == (404, "FILE_UPLOAD_NOT_FOUND")
        assert sender.begin().json["parts"] == []

    def test_another_file_replaces_an_unfinished_upload(
        self, sender: Sender, jobs: list[tuple[Any, ...]]
    ) -> None:
        first = sender.begin().json["id"]
        second = sender.begin(name="other.zip")

        assert (second.status_code, second.json["id"] == first) == (201, False)
        assert jobs == [(tasks.delete_parts, UUID(first))]

    def test_an_upload_is_over_after_a_day(
        self, sender: Sender, staged: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = sender.begin().json["id"]
        sender.send(1)
        assert storage_tasks.remove_unreferenced() == 0
        (part,) = staged()
        with transaction() as session:
            factories.as_owner(
                session, "UPDATE file_uploads SET created_at = created_at - interval '25 hours'"
            )
        yesterday = (clock.now() - timedelta(hours=25)).timestamp()
        os.utime(part, (yesterday, yesterday))

        assert refusal(sender.send(2)) == (404, "FILE_UPLOAD_NOT_FOUND")
        assert refusal(sender.unfinished()) == (404, "FILE_UPLOAD_NOT_FOUND")
        assert storage_tasks.remove_unreferenced() == 1
        assert staged() == []
        assert sender.begin().json["id"] != first


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-the-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests")
    with FakeS3.open() as opened:
        folder = storage.current()
        storage.current.configure(S3Storage(FakeS3.NAME, endpoint=opened.url, region="us-east-1"))
        yield opened
        storage.current.configure(folder)
        assert opened.violations == []


def test_a_bucket_stores_parts_as_well(bucket: FakeS3, sender: Sender) -> None:
    sender.begin()
    for number in (1, 2, 3):
        sender.send(number)
    assert {key.partition("/")[0] for key in bucket.objects} == {"incoming"}

    assert sender.complete().status_code == 201
    tasks.delete_parts(UUID(sender.id))

    (key,) = bucket.objects
    assert (key.partition("/")[0], bucket.objects[key]) == ("contents", FILE)
