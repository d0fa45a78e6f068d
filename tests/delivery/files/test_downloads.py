"""Buyers download what they bought, by a link."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.auth import service as auth
from app.common import clock, db
from app.common.db import reading, transaction
from app.common.logging import redact
from app.delivery import service as delivery
from app.delivery.files import http, links, repository, storage
from app.delivery.files.contents import ContentBroken
from app.delivery.files.errors import ContentMissing
from app.delivery.files.folder import FolderStorage
from app.delivery.files.links import Link
from app.delivery.files.models import FileDownload
from app.events.models import OutboxEvent
from tests import factories
from tests.answers import error_body, refusal
from tests.delivery.files.helpers import (
    API,
    GUIDE,
    bought,
    delivery_of,
    link_of,
    on_sale,
    sha256,
    shown,
    sold,
    upload,
)

ETAG = f'"{sha256(GUIDE)}"'
SIZE = len(GUIDE)


def get(client: FlaskClient, link: str, part: str | None = None, **headers: str) -> TestResponse:
    """The whole answer. part: a Range header."""
    with client.get(link, headers=headers | ({"Range": part} if part else {})) as answer:
        answer.get_data()
    return answer


def served(link: str) -> int | None:
    """Bytes that were counted for a link."""
    with reading() as session:
        return session.scalar(
            select(FileDownload.served).where(
                FileDownload.id == links.read(link.rpartition("/")[2]).id
            )
        )


class TestDownloading:
    def test_the_file_comes_as_it_was_uploaded(self, client: FlaskClient) -> None:
        line = sold(client, name="grüße.pdf")

        answer = get(client, link_of(line))

        assert (answer.status_code, answer.data) == (200, GUIDE)
        expected = {
            "Content-Type": "application/pdf",
            "Content-Length": str(SIZE),
            "Content-Disposition": 'attachment; filename="grue.pdf";'
            " filename*=UTF-8''gr%C3%BC%C3%9Fe.pdf",
            "Accept-Ranges": "bytes",
            "ETag": ETAG,
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        }
        assert {name: answer.headers[name] for name in expected} == expected

    def test_it_is_counted(self, client: FlaskClient) -> None:
        line = sold(client)

        get(client, link_of(line))

        assert shown(line)["downloadsLeft"] == 4
        with reading() as session:
            (event,) = session.scalars(
                select(OutboxEvent).where(OutboxEvent.type == "file-downloaded")
            )
        assert event.aggregate_id == line.order_id
        assert (event.data["productId"], event.data["version"], event.data["downloadsLeft"]) == (
            str(line.product_id),
            1,
            4,
        )

    def test_the_merchant_sees_how_often(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        for _ in range(2):
            get(client, link_of(bought(client, factories.buyer(), product_id)))

        answer = client.get(f"{API}/products/{product_id}/file", headers=seller.headers)

        assert answer.json["downloads"] == 2

    def test_it_needs_no_connection_of_the_database_while_it_is_sent(
        self, committing: Flask
    ) -> None:
        client = committing.test_client()
        link = link_of(sold(client, b"x" * 1_000_000))
        with client.get(link) as answer:
            parts = iter(answer.response)
            first = next(parts)
            assert db.current().engine.pool.checkedout() == 0  # type: ignore[attr-defined]
            assert 0 < len(first) < 1_000_000

    def test_a_new_version_is_for_everybody_but_a_link_keeps_to_its_own(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        line = bought(client, factories.buyer(), product_id)
        old = link_of(line)
        upload(client, seller, product_id, b"second edition", name="second.txt")

        assert get(client, old).data == GUIDE
        assert get(client, link_of(line)).data == b"second edition"
        assert shown(line)["name"] == "second.txt"

    def test_what_was_taken_off_the_shelf_can_still_be_downloaded(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        line = bought(client, factories.buyer(), product_id)
        client.delete(f"{API}/products/{product_id}", headers=seller.headers)

        assert get(client, link_of(line)).data == GUIDE


class TestParts:
    @pytest.fixture
    def link(self, client: FlaskClient) -> str:
        return link_of(sold(client))

    @pytest.mark.parametrize(
        ("part", "first", "last"),
        [
            ("bytes=0-99", 0, 99),
            ("bytes=5000-", 5000, SIZE - 1),
            ("bytes=-100", SIZE - 100, SIZE - 1),
            ("bytes=0-", 0, SIZE - 1),
            ("bytes=100-999999", 100, SIZE - 1),
        ],
    )
    def test_a_part(self, client: FlaskClient, link: str, part: str, first: int, last: int) -> None:
        answer = get(client, link, part)

        assert (answer.status_code, answer.data) == (206, GUIDE[first : last + 1])
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
        assert answer.headers["Content-Length"] == str(last - first + 1)
        assert answer.headers["ETag"] == ETAG

    def test_a_part_behind_the_end_is_not_there(self, client: FlaskClient, link: str) -> None:
        answer = get(client, link, f"bytes={SIZE}-")

        assert refusal(answer) == (416, "RANGE_NOT_SATISFIABLE")
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
        assert served(link) is None

    @pytest.mark.parametrize("part", ["bytes=0-1,5-6", "items=0-5", "bytes=9-5"])
    def test_what_is_not_one_part_is_answered_with_all(
        self, client: FlaskClient, link: str, part: str
    ) -> None:
        answer = get(client, link, part)

        assert (answer.status_code, answer.data) == (200, GUIDE)

    def test_a_part_of_what_one_has_goes_on(self, client: FlaskClient, link: str) -> None:
        answer = get(client, link, "bytes=10-", **{"If-Range": ETAG})

        assert (answer.status_code, answer.data) == (206, GUIDE[10:])

    @pytest.mark.parametrize(
        "validator", ['"other"', f"W/{ETAG}", "Sat, 21 Nov 2026 09:30:00 GMT", "nonsense"]
    )
    def test_a_part_of_something_else_begins_anew(
        self, client: FlaskClient, link: str, validator: str
    ) -> None:
        answer = get(client, link, "bytes=10-", **{"If-Range": validator})

        assert (answer.status_code, answer.data) == (200, GUIDE)

    def test_who_has_it_gets_nothing(self, client: FlaskClient, link: str) -> None:
        answer = get(client, link, **{"If-None-Match": f'"x", W/{ETAG}'})

        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", ETAG)
        assert served(link) is None
        assert get(client, link, **{"If-None-Match": '"x"'}).status_code == 200

    def test_who_wants_another_is_told(self, client: FlaskClient, link: str) -> None:
        answer = get(client, link, **{"If-Match": '"x"'})

        assert refusal(answer) == (412, "PRECONDITION_FAILED")
        assert get(client, link, **{"If-Match": ETAG}).status_code == 200

    def test_head_tells_and_counts_nothing(self, client: FlaskClient, link: str) -> None:
        answer = client.head(link, headers={"Range": "bytes=0-1"})

        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["Content-Length"] == str(SIZE)
        assert (answer.headers["Accept-Ranges"], answer.headers["ETag"]) == ("bytes", ETAG)
        assert served(link) is None


class TestCounting:
    def test_one_link_is_one_download_however_often_it_is_resumed(
        self, client: FlaskClient
    ) -> None:
        line = sold(client)
        link = link_of(line)

        parts = [get(client, link, f"bytes={at}-{at + 999}").data for at in range(0, SIZE, 1000)]

        assert b"".join(parts) == GUIDE
        assert served(link) == SIZE
        assert shown(line)["downloadsLeft"] == 4

    def test_a_link_serves_three_times_its_file(self, client: FlaskClient) -> None:
        line = sold(client)
        link = link_of(line)
        for _ in range(3):
            assert get(client, link).status_code == 200

        answer = get(client, link, "bytes=0-0")

        assert refusal(answer) == (403, "DOWNLOAD_LIMIT_REACHED")
        assert "3 times" in error_body(answer)["message"]
        assert get(client, link_of(line)).status_code == 200

    def test_an_order_is_good_for_five_links(self, client: FlaskClient) -> None:
        line = sold(client)
        spare = link_of(line)
        used = [link_of(line) for _ in range(5)]
        for link in used:
            assert get(client, link).status_code == 200

        assert refusal(get(client, spare)) == (403, "DOWNLOAD_LIMIT_REACHED")
        assert client.head(spare).status_code == 403
        assert get(client, used[0], "bytes=5-").status_code == 206
        assert client.head(used[0]).status_code == 200
        left = shown(line)
        assert (left["downloadsLeft"], left["url"], left["expiresAt"]) == (0, None, None)

    def test_what_was_not_sent_is_not_counted(self, client: FlaskClient) -> None:
        body = b"x" * 1_000_000
        line = sold(client, body)
        link = link_of(line)
        for _ in range(5):
            with client.get(link) as answer:
                sent = len(next(iter(answer.response)))
                assert served(link) is not None

        assert served(link) == 5 * sent < len(body)
        assert get(client, link).data == body

    def test_bytes_are_counted_as_soon_as_they_are_promised(self, client: FlaskClient) -> None:
        link = link_of(sold(client, b"x" * 1_000_000))
        begun = [client.get(link) for _ in range(3)]

        assert refusal(get(client, link)) == (403, "DOWNLOAD_LIMIT_REACHED")
        for answer in begun:
            answer.close()
        assert get(client, link).status_code == 200

    def test_without_the_database_at_the_end_they_stay_counted(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: Any, **__: Any) -> None:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

        link = link_of(sold(client))
        answer = client.get(link)
        with monkeypatch.context() as patch:
            patch.setattr(repository, "give_back", away)
            patch.setattr(db, "MAX_SECONDS", 0.0)
            answer.close()

        assert served(link) == SIZE

    def test_the_merchant_can_allow_them_again(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        line = bought(client, factories.buyer(), on_sale(client, seller))
        for _ in range(5):
            get(client, link_of(line))
        path = f"{API}/orders/{line.order_id}/downloads/reset"

        answer = client.post(path, headers=seller.headers)

        assert (answer.status_code, answer.json) == (200, {"downloadsLeft": 5})
        assert shown(line)["downloadsLeft"] == 5
        assert get(client, link_of(line)).status_code == 200
        for _ in range(2):
            assert client.post(path, headers=seller.headers).json == {"downloadsLeft": 5}
        with reading() as session:
            resets = session.scalars(
                select(OutboxEvent).where(OutboxEvent.type == "downloads-reset")
            ).all()
        assert [event.data["downloadsLeft"] for event in resets] == [5, 5, 5]

    def test_nobody_else_can(self, client: FlaskClient) -> None:
        line = sold(client)
        for somebody in (factories.merchant(),):
            answer = client.post(
                f"{API}/orders/{line.order_id}/downloads/reset", headers=somebody.headers
            )
            assert refusal(answer) == (404, "DELIVERY_NOT_FOUND")


class TestEnds:
    def revoke(self, line: Any, units: int) -> int:
        with transaction() as session:
            return delivery.revoke(session, line, units=units)

    def test_a_link_ends_after_an_hour(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = link_of(sold(client))
        later = clock.now() + timedelta(minutes=60)
        monkeypatch.setattr(clock, "now", lambda: later)

        assert refusal(get(client, link)) == (410, "DOWNLOAD_LINK_EXPIRED")

    def test_a_forged_link_leads_nowhere(self, client: FlaskClient) -> None:
        link = link_of(sold(client))
        forged = link[:-1] + ("A" if link[-1] != "A" else "B")

        for path in (forged, f"{API}/downloads/nonsense", f"{API}/downloads/{uuid4()}"):
            assert refusal(get(client, path)) == (404, "DOWNLOAD_LINK_INVALID")

    def test_a_link_to_something_else_leads_nowhere(self, client: FlaskClient) -> None:
        one, other = sold(client), sold(client, b"other")
        link = links.read(link_of(other).rpartition("/")[2])
        crossed = links.token_of(Link(one.order_id, link.file_id, link.expires_at))

        answer = get(client, f"{API}/downloads/{crossed}")

        assert refusal(answer) == (404, "DOWNLOAD_LINK_INVALID")

    def test_when_all_is_taken_back_its_links_stop_at_once(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        line = bought(client, factories.buyer(), on_sale(client, seller), quantity=3)
        link = link_of(line)
        get(client, link, "bytes=0-9")

        assert self.revoke(line, 1) == 1
        assert get(client, link, "bytes=10-").status_code == 206
        assert self.revoke(line, 2) == 2

        assert refusal(get(client, link, "bytes=10-")) == (410, "DOWNLOAD_REVOKED")
        assert refusal(get(client, link)) == (410, "DOWNLOAD_REVOKED")
        with transaction() as session:
            assert delivery.show(session, line, base="")["files"] == []
        answer = client.post(
            f"{API}/orders/{line.order_id}/downloads/reset", headers=seller.headers
        )
        assert refusal(answer) == (409, "DELIVERY_TAKEN_BACK")

    def test_a_deactivated_buyer_gets_nothing(self, client: FlaskClient) -> None:
        buyer = factories.buyer()
        line = bought(client, buyer, on_sale(client, factories.merchant()))
        link = link_of(line)

        def set_active(active: bool) -> None:
            with transaction() as session:
                auth.set_active(
                    session, user_id=buyer.id, active=active, actor_id=None, reason="asked for"
                )

        set_active(False)
        assert refusal(get(client, link)) == (410, "DOWNLOAD_REVOKED")
        set_active(True)
        assert get(client, link).status_code == 200

    def test_what_is_not_paid_for_cannot_be_downloaded(self, client: FlaskClient) -> None:
        line = sold(client)
        link = link_of(line)
        with transaction() as session:
            found = session.get(type(delivery_of(line)), line.order_id)
            found.delivered_at = None  # type: ignore[union-attr]

        assert refusal(get(client, link)) == (410, "DOWNLOAD_REVOKED")


class TestStorage:
    def test_a_content_that_is_gone_is_our_fault_and_costs_the_buyer_nothing(
        self, client: FlaskClient
    ) -> None:
        line = sold(client, b"soon gone" * 100)
        link = link_of(line)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FolderStorage, "open", _gone)
            assert refusal(get(client, link)) == (500, "INTERNAL_ERROR")

        assert served(link) == 0
        assert http._downloads._taken == {}
        assert get(client, link).status_code == 200

    def test_one_that_is_too_short_breaks_off(self, client: FlaskClient) -> None:
        line = sold(client, b"much longer than what is left of it" * 99)
        link = link_of(line)
        folder = storage.current()
        assert isinstance(folder, FolderStorage)
        (path,) = folder._folder.rglob(f"{shown(line)['sha256']}.*")
        path.write_bytes(b"short")
        with client.get(link) as answer, pytest.raises(ContentBroken):
            list(answer.response)
        assert served(link) == 5
        path.unlink()

    def test_whoever_hangs_up_leaves_nothing_open(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[Any] = []
        right = FolderStorage.open

        def watched(*args: Any, **kwargs: Any) -> Any:
            opened.append(right(*args, **kwargs))
            return opened[-1]

        monkeypatch.setattr(FolderStorage, "open", watched)
        link = link_of(sold(client, b"x" * 1_000_000))
        for pieces in (0, 1, 100):
            with client.get(link) as answer:
                for _, _ in zip(range(pieces), answer.response, strict=False):
                    pass
            assert opened[-1]._read.__self__.closed
        assert http._downloads._taken == {}


class TestPlaces:
    def test_a_few_at_a_time_over_one_order(self, client: FlaskClient) -> None:
        line = sold(client)
        begun = [client.get(link_of(line)) for _ in range(4)]

        refused = get(client, link_of(line))
        assert refusal(refused) == (503, "BUSY")
        assert int(refused.headers["Retry-After"]) > 0
        assert shown(line)["downloadsLeft"] == 1
        for answer in begun:
            answer.close()
        assert get(client, link_of(line)).status_code == 200


class TestSecrecy:
    def test_a_refusal_does_not_repeat_the_link(self, client: FlaskClient) -> None:
        link = link_of(sold(client))[:-3]

        body = client.get(link).json

        assert body["path"] == f"{API}/downloads/[redacted]"

    @pytest.mark.parametrize("around", ["{}.", "{})", "<{}>", "{},%20thanks", "{}%E2%80%9D"])
    def test_nor_one_that_was_copied_with_what_stands_around_it(
        self, client: FlaskClient, around: str
    ) -> None:
        start, _, token = link_of(sold(client)).rpartition("/")

        answer = client.get(f"{start}/{around.format(token)}")

        assert refusal(answer) == (404, "DOWNLOAD_LINK_INVALID")
        assert token not in answer.text

    def test_the_log_does_not_have_it(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: list[dict[str, Any]] = []
        monkeypatch.setattr(
            "app.common.middleware.log",
            type("Log", (), {"info": staticmethod(lambda what, **more: said.append(more))}),
        )
        link = link_of(sold(client))
        get(client, f"{link}?secret=1")

        assert said[-1]["path"] == f"{API}/downloads/[redacted]"
        assert link.rpartition("/")[2] not in str(said)
        assert redact(None, "", {"download_token": link}) == {"download_token": "[redacted]"}


@pytest.fixture(autouse=True)
def everybody_has_left() -> Iterator[None]:
    yield
    assert http._downloads._taken == {}


def _gone(*_: Any, **__: Any) -> Any:
    raise ContentMissing


def test_numbers_are_counted(client: FlaskClient, change_settings: Callable[..., None]) -> None:
    change_settings(metrics_token="a-token-for-scraping")

    def number(name: str) -> float:
        text = client.get("/metrics", headers={"Authorization": "Bearer a-token-for-scraping"}).text
        return next(
            float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)
        )

    names = (
        'payment_flow_downloads_total{outcome="begun"}',
        'payment_flow_downloads_total{outcome="resumed"}',
        "payment_flow_download_bytes_total",
    )
    before = [number(name) for name in names]
    link = link_of(sold(client))
    get(client, link)
    get(client, link, "bytes=-10")

    assert [number(name) - was for name, was in zip(names, before, strict=True)] == [
        1,
        1,
        SIZE + 10,
    ]
