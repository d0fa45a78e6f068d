"""Downloads by link, and range requests."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import db
from app.common.db import reading
from app.events.models import OutboxEvent
from tests import factories
from tests.delivery.files.downloads.helpers import ETAG, SIZE, get, served
from tests.delivery.files.helpers import (
    API,
    GUIDE,
    bought,
    delivered,
    link_of,
    on_sale,
    sold,
    upload,
)
from tests.responses import refusal


class TestDownloading:
    def test_the_file_is_sent_as_it_was_uploaded(self, client: FlaskClient) -> None:
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

    def test_a_download_is_counted(self, client: FlaskClient) -> None:
        line = sold(client)

        get(client, link_of(line))

        assert delivered(line)["downloadsLeft"] == 4
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

    def test_the_merchant_sees_the_number_of_downloads(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        for _ in range(2):
            get(client, link_of(bought(client, factories.buyer(), product_id)))

        answer = client.get(f"{API}/products/{product_id}/file", headers=seller.headers)

        assert answer.json["downloads"] == 2

    def test_a_download_uses_no_database_connection_while_it_is_sent(
        self, committing: Flask
    ) -> None:
        client = committing.test_client()
        link = link_of(sold(client, b"x" * 1_000_000))
        with client.get(link) as answer:
            parts = iter(answer.response)
            first = next(parts)
            assert db.current().engine.pool.checkedout() == 0  # type: ignore[attr-defined]
            assert 0 < len(first) < 1_000_000

    def test_all_buyers_get_a_new_version_but_a_link_keeps_its_own(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        line = bought(client, factories.buyer(), product_id)
        old = link_of(line)
        upload(client, seller, product_id, b"second edition", name="second.txt")

        assert get(client, old).data == GUIDE
        assert get(client, link_of(line)).data == b"second edition"
        assert delivered(line)["name"] == "second.txt"

    def test_the_file_of_a_deleted_product_can_still_be_downloaded(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        product_id = on_sale(client, seller)
        line = bought(client, factories.buyer(), product_id)
        client.delete(f"{API}/products/{product_id}", headers=seller.headers)

        assert get(client, link_of(line)).data == GUIDE


class TestRanges:
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
    def test_a_range_is_sent_with_status_206(
        self, client: FlaskClient, link: str, part: str, first: int, last: int
    ) -> None:
        answer = get(client, link, part)

        assert (answer.status_code, answer.data) == (206, GUIDE[first : last + 1])
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
        assert answer.headers["Content-Length"] == str(last - first + 1)
        assert answer.headers["ETag"] == ETAG

    def test_a_range_beyond_the_end_is_not_satisfiable(
        self, client: FlaskClient, link: str
    ) -> None:
        answer = get(client, link, f"bytes={SIZE}-")

        assert refusal(answer) == (416, "RANGE_NOT_SATISFIABLE")
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
        assert served(link) is None

    @pytest.mark.parametrize("part", ["bytes=0-1,5-6", "items=0-5", "bytes=9-5"])
    def test_unsupported_ranges_are_answered_with_the_whole_file(
        self, client: FlaskClient, link: str, part: str
    ) -> None:
        answer = get(client, link, part)

        assert (answer.status_code, answer.data) == (200, GUIDE)

    def test_a_matching_if_range_resumes(self, client: FlaskClient, link: str) -> None:
        answer = get(client, link, "bytes=10-", **{"If-Range": ETAG})

        assert (answer.status_code, answer.data) == (206, GUIDE[10:])

    @pytest.mark.parametrize(
        "validator", ['"other"', f"W/{ETAG}", "Sat, 21 Nov 2026 09:30:00 GMT", "nonsense"]
    )
    def test_another_if_range_starts_over(
        self, client: FlaskClient, link: str, validator: str
    ) -> None:
        answer = get(client, link, "bytes=10-", **{"If-Range": validator})

        assert (answer.status_code, answer.data) == (200, GUIDE)

    def test_a_matching_if_none_match_is_not_modified(self, client: FlaskClient, link: str) -> None:
        answer = get(client, link, **{"If-None-Match": f'"x", W/{ETAG}'})

        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", ETAG)
        assert served(link) is None
        assert get(client, link, **{"If-None-Match": '"x"'}).status_code == 200

    def test_another_if_match_fails(self, client: FlaskClient, link: str) -> None:
        answer = get(client, link, **{"If-Match": '"x"'})

        assert refusal(answer) == (412, "PRECONDITION_FAILED")
        assert get(client, link, **{"If-Match": ETAG}).status_code == 200

    def test_a_head_request_is_not_counted(self, client: FlaskClient, link: str) -> None:
        answer = client.head(link, headers={"Range": "bytes=0-1"})

        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["Content-Length"] == str(SIZE)
        assert (answer.headers["Accept-Ranges"], answer.headers["ETag"]) == ("bytes", ETAG)
        assert served(link) is None


def test_metrics_count_downloads_and_bytes(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
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
