"""Limits, expiry and revocation of download links."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.auth import service as auth
from app.common import clock, db
from app.common.db import reading, transaction
from app.delivery import service as delivery
from app.delivery.files import repository
from app.delivery.files.downloads import links
from app.delivery.files.downloads.links import DownloadLink
from app.events.models import OutboxEvent
from tests import factories
from tests.delivery.files.downloads.helpers import SIZE, get, served
from tests.delivery.files.helpers import (
    API,
    GUIDE,
    bought,
    delivered,
    delivery_of,
    link_of,
    on_sale,
    sold,
)
from tests.responses import error_body, refusal


class TestCounting:
    def test_resuming_a_link_counts_as_one_download(self, client: FlaskClient) -> None:
        line = sold(client)
        link = link_of(line)

        parts = [get(client, link, f"bytes={at}-{at + 999}").data for at in range(0, SIZE, 1000)]

        assert b"".join(parts) == GUIDE
        assert served(link) == SIZE
        assert delivered(line)["downloadsLeft"] == 4

    def test_a_link_sends_its_file_at_most_three_times(self, client: FlaskClient) -> None:
        line = sold(client)
        link = link_of(line)
        for _ in range(3):
            assert get(client, link).status_code == 200

        answer = get(client, link, "bytes=0-0")

        assert refusal(answer) == (403, "DOWNLOAD_LIMIT_REACHED")
        assert "3 times" in error_body(answer)["message"]
        assert get(client, link_of(line)).status_code == 200

    def test_an_order_has_five_downloads(self, client: FlaskClient) -> None:
        line = sold(client)
        spare = link_of(line)
        used = [link_of(line) for _ in range(5)]
        for link in used:
            assert get(client, link).status_code == 200

        assert refusal(get(client, spare)) == (403, "DOWNLOAD_LIMIT_REACHED")
        assert client.head(spare).status_code == 403
        assert get(client, used[0], "bytes=5-").status_code == 206
        assert client.head(used[0]).status_code == 200
        left = delivered(line)
        assert (left["downloadsLeft"], left["url"], left["expiresAt"]) == (0, None, None)

    def test_bytes_that_were_not_sent_are_not_counted(self, client: FlaskClient) -> None:
        body = b"x" * 1_000_000
        line = sold(client, body)
        link = link_of(line)
        for _ in range(5):
            with client.get(link) as answer:
                sent = len(next(iter(answer.response)))
                assert served(link) is not None

        assert served(link) == 5 * sent < len(body)
        assert get(client, link).data == body

    def test_bytes_are_counted_when_a_download_starts(self, client: FlaskClient) -> None:
        link = link_of(sold(client, b"x" * 1_000_000))
        started = [client.get(link) for _ in range(3)]

        assert refusal(get(client, link)) == (403, "DOWNLOAD_LIMIT_REACHED")
        for answer in started:
            answer.close()
        assert get(client, link).status_code == 200

    def test_without_a_database_at_the_end_bytes_stay_counted(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

        link = link_of(sold(client))
        answer = client.get(link)
        with monkeypatch.context() as patch:
            patch.setattr(repository, "restore_bytes", fail)
            patch.setattr(db, "MAX_SECONDS", 0.0)
            answer.close()

        assert served(link) == SIZE

    def test_the_merchant_can_reset_the_downloads_of_an_order(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        line = bought(client, factories.buyer(), on_sale(client, seller))
        for _ in range(5):
            get(client, link_of(line))
        path = f"{API}/orders/{line.order_id}/downloads/reset"

        answer = client.post(path, headers=seller.headers)

        assert (answer.status_code, answer.json) == (200, {"downloadsLeft": 5})
        assert delivered(line)["downloadsLeft"] == 5
        assert get(client, link_of(line)).status_code == 200
        for _ in range(2):
            assert client.post(path, headers=seller.headers).json == {"downloadsLeft": 5}
        with reading() as session:
            resets = session.scalars(
                select(OutboxEvent).where(OutboxEvent.type == "downloads-reset")
            ).all()
        assert [event.data["downloadsLeft"] for event in resets] == [5, 5, 5]

    def test_only_the_merchant_can_reset_downloads(self, client: FlaskClient) -> None:
        line = sold(client)
        answer = client.post(
            f"{API}/orders/{line.order_id}/downloads/reset", headers=factories.merchant().headers
        )
        assert refusal(answer) == (404, "DELIVERY_NOT_FOUND")


class TestRevocation:
    def revoke(self, line: Any, units: int) -> int:
        with transaction() as session:
            return delivery.revoke(session, line, units=units)

    def test_a_link_expires_after_an_hour(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = link_of(sold(client))
        later = clock.now() + timedelta(minutes=60)
        monkeypatch.setattr(clock, "now", lambda: later)

        assert refusal(get(client, link)) == (410, "DOWNLOAD_LINK_EXPIRED")

    def test_a_forged_link_is_invalid(self, client: FlaskClient) -> None:
        link = link_of(sold(client))
        forged = link[:-1] + ("A" if link[-1] != "A" else "B")

        for path in (forged, f"{API}/downloads/nonsense", f"{API}/downloads/{uuid4()}"):
            assert refusal(get(client, path)) == (404, "DOWNLOAD_LINK_INVALID")

    def test_a_link_to_the_file_of_another_order_is_invalid(self, client: FlaskClient) -> None:
        one, other = sold(client), sold(client, b"other")
        link = links.verify(link_of(other).rpartition("/")[2])
        crossed = links.sign(DownloadLink(one.order_id, link.file_id, link.expires_at))

        answer = get(client, f"{API}/downloads/{crossed}")

        assert refusal(answer) == (404, "DOWNLOAD_LINK_INVALID")

    def test_links_stop_working_when_all_units_are_revoked(self, client: FlaskClient) -> None:
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
            assert delivery.render(session, line, base_url="")["files"] == []
        answer = client.post(
            f"{API}/orders/{line.order_id}/downloads/reset", headers=seller.headers
        )
        assert refusal(answer) == (409, "DELIVERY_TAKEN_BACK")

    def test_a_deactivated_buyer_cannot_download(self, client: FlaskClient) -> None:
        buyer = factories.buyer()
        line = bought(client, buyer, on_sale(client, factories.merchant()))
        link = link_of(line)

        def set_active(active: bool) -> None:
            with transaction() as session:
                auth.set_active(
                    session, user_id=buyer.id, active=active, actor_id=None, reason="On request"
                )

        set_active(False)
        assert refusal(get(client, link)) == (410, "DOWNLOAD_REVOKED")
        set_active(True)
        assert get(client, link).status_code == 200

    def test_an_unpaid_order_cannot_be_downloaded(self, client: FlaskClient) -> None:
        line = sold(client)
        link = link_of(line)
        with transaction() as session:
            found = session.get(type(delivery_of(line)), line.order_id)
            found.delivered_at = None  # type: ignore[union-attr]

        assert refusal(get(client, link)) == (410, "DOWNLOAD_REVOKED")


class TestConcurrencyLimit:
    def test_an_order_has_at_most_four_downloads_in_progress(self, client: FlaskClient) -> None:
        line = sold(client)
        started = [client.get(link_of(line)) for _ in range(4)]

        refused = get(client, link_of(line))
        assert refusal(refused) == (503, "BUSY")
        assert int(refused.headers["Retry-After"]) > 0
        assert delivered(line)["downloadsLeft"] == 1
        for answer in started:
            answer.close()
        assert get(client, link_of(line)).status_code == 200
