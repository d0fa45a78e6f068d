"""Unreferenced contents are removed, and the others are checked."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import clock, queue
from app.common.db import reading, transaction
from app.common.settings import Settings
from app.delivery.files.models import ProductFile
from app.storage import service as storage
from app.storage import tasks
from app.storage.models import FileContent
from app.verify import files as invariants
from tests import factories
from tests.concurrency import broken_invariants
from tests.delivery.files.downloads.helpers import get
from tests.delivery.files.helpers import bought, file_product, link_of, on_sale, sha256, upload
from tests.responses import refusal

DAY = timedelta(days=1)
CONTENT_PRESENT = "The content of a file on sale was present at the last check"


def advance_time(time: timedelta) -> None:
    """Make files older by this time. Sessions do not expire."""
    with transaction() as session:
        for table, columns in (
            (FileContent, ("created_at", "review_at", "checked_at")),
            (ProductFile, ("uploaded_at", "retired_at")),
        ):
            seconds = time.total_seconds()
            earlier = ", ".join(f"{name} = {name} - interval '{seconds} s'" for name in columns)
            factories.as_owner(session, f"UPDATE {table.__tablename__} SET {earlier}")


def rows_of(body: bytes) -> list[FileContent]:
    with reading() as session:
        found = select(FileContent).where(FileContent.sha256 == sha256(body))
        return list(session.scalars(found.order_by(FileContent.id)))


def is_stored(body: bytes) -> bool:
    return any(storage.current().get_size(row.storage_key) is not None for row in rows_of(body))


class TestRemoving:
    def test_a_current_file_is_kept(self, client: FlaskClient) -> None:
        body = os.urandom(100)
        on_sale(client, factories.merchant(), body)
        advance_time(30 * DAY)
        tasks.remove_unreferenced()

        assert is_stored(body)

    def test_an_old_version_is_removed_a_day_after_its_replacement(
        self, client: FlaskClient
    ) -> None:
        old, new = os.urandom(100), os.urandom(100)
        seller = factories.merchant()
        product_id = on_sale(client, seller, old)
        line = bought(client, factories.buyer(), product_id)
        advance_time(30 * DAY)
        link = link_of(line)
        upload(client, seller, product_id, new)

        assert tasks.remove_unreferenced() == 0
        assert get(client, link).data == old
        advance_time(DAY + timedelta(seconds=1))
        assert tasks.remove_unreferenced() == 1

        assert (is_stored(old), is_stored(new)) == (False, True)
        assert get(client, link_of(line)).data == new
        assert tasks.remove_unreferenced() == 0

    def test_content_of_another_product_is_kept(self, client: FlaskClient) -> None:
        body = os.urandom(100)
        seller = factories.merchant()
        product_id = on_sale(client, seller, body)
        on_sale(client, factories.merchant(), body)
        client.delete(f"/api/v1/products/{product_id}/file", headers=seller.headers)
        advance_time(3 * DAY)
        tasks.remove_unreferenced()

        assert is_stored(body)

    def test_content_whose_last_file_is_retired_after_a_review_is_removed(
        self, client: FlaskClient
    ) -> None:
        body = os.urandom(100)
        seller = factories.merchant()
        product_id = on_sale(client, seller, body)
        advance_time(30 * DAY)
        tasks.remove_unreferenced()
        (content,) = rows_of(body)
        assert content.review_at is None
        client.delete(f"/api/v1/products/{product_id}/file", headers=seller.headers)

        tasks.remove_unreferenced()
        assert is_stored(body)
        advance_time(DAY + timedelta(seconds=1))
        tasks.remove_unreferenced()
        assert not is_stored(body)

    def test_every_content_that_is_due_is_reviewed(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tasks, "_BATCH_SIZE", 1)
        bodies = [os.urandom(100) for _ in range(4)]
        for body in bodies[:2]:
            on_sale(client, factories.merchant(), body)
        for body in bodies[2:]:
            store_unreferenced(body)
        advance_time(2 * DAY)

        assert tasks.remove_unreferenced() == 2
        assert [is_stored(body) for body in bodies] == [True, True, False, False]

    def test_content_that_no_file_refers_to_is_removed(self, client: FlaskClient) -> None:
        body = os.urandom(100)
        store_unreferenced(body)
        tasks.remove_unreferenced()
        assert is_stored(body)
        advance_time(DAY + timedelta(seconds=1))
        tasks.remove_unreferenced()

        assert not is_stored(body)

    def test_removed_content_can_be_uploaded_again(self, client: FlaskClient) -> None:
        body = os.urandom(100)
        store_unreferenced(body)
        advance_time(2 * DAY)
        tasks.remove_unreferenced()
        on_sale(client, factories.merchant(), body)
        advance_time(2 * DAY)
        tasks.remove_unreferenced()

        removed, stored = rows_of(body)
        assert removed.removed_at is not None
        assert stored.removing_at is None
        assert removed.storage_key != stored.storage_key
        assert is_stored(body)

    def test_an_upload_during_the_removal_gets_a_new_key(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        body = os.urandom(100)
        store_unreferenced(body)
        advance_time(2 * DAY)
        seller = factories.merchant()
        product_id = file_product(seller)
        original = storage.current().delete

        def upload_during_deletion(storage_key: str) -> None:
            original(storage_key)
            assert upload(client, seller, product_id, body).status_code == 201
            original(storage_key)

        with monkeypatch.context() as patch:
            patch.setattr(storage.current(), "delete", upload_during_deletion)
            tasks.remove_unreferenced()

        assert get(client, link_of(bought(client, factories.buyer(), product_id))).data == body

    def test_an_upload_that_outlasts_the_removal_must_be_repeated(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from app.delivery.files import views

        seller = factories.merchant()
        product_id = file_product(seller)
        original = views._store_body

        def store_for_days() -> object:
            content_id = original()
            advance_time(2 * DAY)
            tasks.remove_unreferenced()
            return content_id

        with monkeypatch.context() as patch:
            patch.setattr(views, "_store_body", store_for_days)
            assert refusal(upload(client, seller, product_id)) == (503, "BUSY")

    def test_an_interrupted_removal_is_resumed(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        body = os.urandom(100)
        store_unreferenced(body)
        advance_time(2 * DAY)
        with monkeypatch.context() as patch:
            patch.setattr(storage.current(), "delete", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                tasks.remove_unreferenced()
        assert is_stored(body)

        assert tasks.remove_unreferenced() == 1

        assert not is_stored(body)

    def test_interrupted_uploads_are_removed(self, client: FlaskClient, settings: Settings) -> None:
        left_behind = settings.files_folder / "incoming" / "left-behind"
        left_behind.parent.mkdir(parents=True, exist_ok=True)
        left_behind.write_bytes(b"incomplete")
        tasks.remove_unreferenced()
        assert left_behind.exists()
        yesterday = clock.now().timestamp() - 90_000
        os.utime(left_behind, (yesterday, yesterday))
        tasks.remove_unreferenced()
        assert not left_behind.exists()


class TestChecking:
    def path_of(self, settings: Settings, body: bytes) -> Path:
        (path,) = settings.files_folder.rglob(f"{sha256(body)}.*")
        return path

    @pytest.mark.parametrize("damage", ["missing", "short"])
    def test_missing_content_is_detected_and_can_be_restored(
        self,
        committing: Flask,
        settings: Settings,
        damage: str,
    ) -> None:
        client = committing.test_client()
        body = os.urandom(100)
        seller = factories.merchant()
        product_id = on_sale(client, seller, body)
        advance_time(DAY + timedelta(seconds=1))
        assert tasks.check_contents() == 1
        assert tasks.check_contents() == 0
        assert broken_invariants() == []
        path = self.path_of(settings, body)
        path.unlink() if damage == "missing" else path.write_bytes(b"short")
        advance_time(DAY + timedelta(seconds=1))

        assert tasks.check_contents() == 1
        assert broken_invariants() == [CONTENT_PRESENT]
        assert CONTENT_PRESENT in {invariant.name for invariant in invariants.INVARIANTS}
        assert upload(client, seller, product_id, body).status_code == 200

        assert path.read_bytes() == body
        assert broken_invariants() == []


def test_scheduled_jobs_enqueue_outbound_calls(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(queue, "enqueue_call", lambda job: sent.append(job))
    tasks.enqueue_removal()
    tasks.enqueue_check()

    assert sent == [tasks.remove_unreferenced, tasks.check_contents]


def store_unreferenced(body: bytes) -> None:
    """Store content that no file refers to."""
    with storage.current().receive([body]) as staged, transaction() as session:
        content = storage.register_content(session, sha256=staged.sha256, size=staged.size)
        staged.store(content.storage_key)


def _interrupt(_: str) -> None:
    raise KeyboardInterrupt
