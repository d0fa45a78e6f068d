"""Images of products, from the upload to what a shop shows."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select

from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.common import db
from app.common.db import reading, transaction
from app.common.settings import Settings
from app.images.limits import MAX_BYTES
from app.images.models import Image
from app.products.images.errors import MAX_IMAGES
from app.storage import tasks
from app.storage.models import FileContent
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.images.helpers import API, add, decoded, picture, shown
from tests.products.helpers import UNKNOWN
from tests.responses import refusal


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


@pytest.fixture
def product_id(seller: Actor) -> UUID:
    return factories.product(seller)


def images_of(client: FlaskClient, product_id: UUID) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get(f"{API}/products/{product_id}").json["images"]
    return found


def alts(client: FlaskClient, product_id: UUID) -> list[object]:
    return [image["alt"] for image in images_of(client, product_id)]


def path_of(image_id: UUID) -> str:
    return f"{API}/images/{image_id}/160.webp"


def advance_time(time: timedelta) -> None:
    """Make images older by this time."""
    with transaction() as session:
        for table, columns in (
            (FileContent, ("created_at", "review_at")),
            (Image, ("created_at", "retired_at")),
        ):
            seconds = time.total_seconds()
            earlier = ", ".join(f"{name} = {name} - interval '{seconds} s'" for name in columns)
            factories.as_owner(session, f"UPDATE {table.__tablename__} SET {earlier}")


class TestAdding:
    def test_an_image_is_shown_with_its_product(
        self, client: FlaskClient, seller: Actor, product_id: UUID, settings: Settings
    ) -> None:
        answer = add(client, seller, product_id, picture(700, 350), alt="  The cover ")

        assert answer.status_code == 201, answer.text
        image = answer.json
        assert image["alt"] == "The cover"
        assert [(size["width"], size["height"]) for size in image["sizes"]] == [
            (160, 80),
            (640, 320),
            (700, 350),
        ]
        assert images_of(client, product_id) == [image]
        (listed,) = client.get(f"{API}/products").json
        assert listed["images"] == [image]
        for size in image["sizes"]:
            assert size["url"].startswith(f"{settings.public_address}{API}/images/{image['id']}/")
            sent = client.get(urlsplit(size["url"]).path)
            assert decoded(sent.data).size == (size["width"], size["height"])
            assert len(sent.data) == size["bytes"]

    def test_the_same_file_is_added_once(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        first = add(client, seller, product_id, alt="Front")
        again = add(client, seller, product_id, alt="Back")

        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json == first.json
        assert images_of(client, product_id) == [first.json]

    def test_a_product_has_a_limited_number_of_images(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        assert add(client, seller, product_id).status_code == 201
        for _ in range(MAX_IMAGES - 1):
            shown(seller, product_id)

        assert refusal(add(client, seller, product_id, picture(40, 40))) == (409, "TOO_MANY_IMAGES")
        assert add(client, seller, product_id).status_code == 200
        assert len(images_of(client, product_id)) == MAX_IMAGES

    @pytest.mark.parametrize(
        ("content", "media_type", "expected"),
        [
            (b"", "image/png", (400, "FILE_EMPTY")),
            (b"GIF89a", "image/png", (400, "IMAGE_INVALID")),
            (b"<svg/>", "image/svg+xml", (415, "UNSUPPORTED_MEDIA_TYPE")),
            (b"GIF89a", "image/gif", (415, "UNSUPPORTED_MEDIA_TYPE")),
            (bytes(MAX_BYTES + 1), "image/png", (413, "BODY_TOO_LARGE")),
        ],
    )
    def test_other_bodies_are_refused(
        self,
        client: FlaskClient,
        seller: Actor,
        product_id: UUID,
        content: bytes,
        media_type: str,
        expected: tuple[int, str],
    ) -> None:
        answer = add(client, seller, product_id, content, media_type=media_type)

        assert refusal(answer) == expected
        assert images_of(client, product_id) == []

    def test_only_the_merchant_adds_images(self, client: FlaskClient, product_id: UUID) -> None:
        assert refusal(add(client, factories.merchant(), product_id)) == (
            403,
            "UNAUTHORIZED_PRODUCT_ACCESS",
        )

    def test_the_sizes_count_towards_the_quota_of_bytes(
        self,
        client: FlaskClient,
        seller: Actor,
        product_id: UUID,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        answer = add(client, seller, product_id, picture(700, 350))
        assert answer.status_code == 201, answer.text
        total = sum(size["bytes"] for size in answer.json["sizes"])
        usage = {one["quota"]: one["used"] for one in _quotas(client, seller)}
        assert usage["FILE_BYTES"] == total

        maximums = {**quotas.maximums(), Quota.FILE_BYTES: total}
        monkeypatch.setattr(quotas, "maximums", lambda: maximums)
        assert refusal(add(client, seller, product_id, picture(40, 40))) == (403, "QUOTA_EXCEEDED")


def _quotas(client: FlaskClient, seller: Actor) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get(f"{API}/quotas", headers=seller.headers).json
    return found


class TestServing:
    def test_an_image_can_be_cached_forever_and_runs_nothing(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        path = path_of(shown(seller, product_id))
        answer = client.get(path)
        headers = answer.headers

        assert headers["Content-Type"] == "image/webp"
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "sandbox" in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        again = client.get(path, headers={"If-None-Match": headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Cache-Control"] == headers["Cache-Control"]
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200

    def test_an_unknown_image_or_size_is_not_found(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        image_id = shown(seller, product_id)

        for path in (f"{image_id}/640.webp", f"{image_id}/161.webp", f"{UNKNOWN}/160.webp"):
            assert refusal(client.get(f"{API}/images/{path}")) == (404, "IMAGE_NOT_FOUND")


class TestChanging:
    def test_images_are_moved_and_described(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        ids = [shown(seller, product_id, alt=alt) for alt in "abcd"]
        path = f"{API}/products/{product_id}/images"

        for image_id, body, expected in (
            (ids[3], {"position": 1}, ["d", "a", "b", "c"]),
            (ids[3], {"position": 8}, ["a", "b", "c", "d"]),
            (ids[1], {"position": 2}, ["a", "b", "c", "d"]),
            (ids[0], {"position": 3, "alt": "A"}, ["b", "c", "A", "d"]),
            (ids[0], {"alt": None}, ["b", "c", None, "d"]),
        ):
            answer = client.patch(f"{path}/{image_id}", json=body, headers=seller.headers)
            assert answer.status_code == 200, answer.text
            assert alts(client, product_id) == expected

    def test_a_change_shows_in_the_cached_catalogue(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        image_id = shown(seller, product_id)
        path = f"{API}/products/{product_id}/images/{image_id}"

        for alt in ("One", "Two"):
            client.patch(path, json={"alt": alt}, headers=seller.headers)
            (listed,) = client.get(f"{API}/products").json
            assert [image["alt"] for image in listed["images"]] == [alt]

    def test_an_image_of_another_product_is_not_found(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        image_id = shown(seller, factories.product(seller))
        path = f"{API}/products/{product_id}/images/{image_id}"

        for answer in (
            client.patch(path, json={"alt": "Mine"}, headers=seller.headers),
            client.delete(path, headers=seller.headers),
        ):
            assert refusal(answer) == (404, "IMAGE_NOT_FOUND")
        assert client.get(path_of(image_id)).status_code == 200


class TestDeleting:
    def test_a_deleted_image_is_gone_and_the_others_move_up(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        ids = [shown(seller, product_id, alt=alt) for alt in "abc"]

        answer = client.delete(
            f"{API}/products/{product_id}/images/{ids[0]}", headers=seller.headers
        )

        assert answer.status_code == 204
        assert alts(client, product_id) == ["b", "c"]
        assert client.get(path_of(ids[0])).status_code == 404
        shown(seller, product_id, alt="d")
        assert alts(client, product_id) == ["b", "c", "d"]

    def test_the_images_of_a_deleted_product_are_gone(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        image_id = shown(seller, product_id)

        client.delete(f"{API}/products/{product_id}", headers=seller.headers)

        assert client.get(path_of(image_id)).status_code == 404
        mine = client.get(f"{API}/products/{product_id}", headers=seller.headers).json
        assert mine["images"] == []
        assert refusal(add(client, seller, product_id)) == (404, "PRODUCT_NOT_FOUND")

    def test_the_bytes_of_images_that_nobody_shows_are_removed_after_a_day(
        self, client: FlaskClient, seller: Actor, product_id: UUID
    ) -> None:
        """All images have the same bytes, which are stored once."""
        ids = [shown(seller, product_id) for _ in range(2)]
        advance_time(timedelta(days=30))
        assert tasks.remove_unreferenced() == 0

        for image_id in ids:
            assert client.get(path_of(image_id)).status_code == 200
            client.delete(f"{API}/products/{product_id}/images/{image_id}", headers=seller.headers)
            assert tasks.remove_unreferenced() == 0
        advance_time(timedelta(days=1, seconds=1))
        assert tasks.remove_unreferenced() == 1

        with reading() as session:
            (content,) = session.scalars(select(FileContent))
        assert content.removed_at is not None
        # The same bytes are stored anew.
        assert client.get(path_of(shown(seller, product_id))).status_code == 200
        assert broken_invariants() == []


def test_a_page_of_products_reads_all_images_at_once(client: FlaskClient, seller: Actor) -> None:
    def queries() -> int:
        seen: list[str] = []

        def note(_: object, __: object, statement: str, *___: object) -> None:
            seen.append(statement)

        engine = db.current().engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            # Prices are not cached.
            assert client.get(f"{API}/products?minPrice=1").status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    shown(seller, factories.product(seller))
    with_one = queries()
    for _ in range(3):
        shown(seller, factories.product(seller))

    assert queries() == with_one
