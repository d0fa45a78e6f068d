"""Concurrent uploads and downloads."""

from collections import Counter

from flask import Flask
from sqlalchemy.exc import IntegrityError

from app.common.db import transaction
from app.delivery import service as delivery
from app.delivery.files.downloads import service as downloads
from app.delivery.files.downloads import views
from app.delivery.files.errors import DownloadLimitReached
from tests import factories
from tests.concurrency import all_at_once, broken_invariants
from tests.delivery.files.helpers import (
    API,
    GUIDE,
    bought,
    delivered,
    delivery_of,
    file_product,
    link_of,
    on_sale,
    sha256,
    sold,
    upload,
)


def test_concurrent_links_cannot_exceed_the_download_limit(committing: Flask) -> None:
    line = sold(committing.test_client())
    links = [link_of(line) for _ in range(16)]

    def begin(link: str) -> bool:
        with transaction() as session:
            download = downloads.resolve_link(session, token=link.rpartition("/")[2])
        try:
            with transaction() as session:
                return downloads.start(session, download=download, length=1)
        except DownloadLimitReached:
            return False

    assert Counter(all_at_once(begin, links, threads=16)) == {True: 5, False: 11}
    assert delivered(line)["downloadsLeft"] == 0
    assert broken_invariants() == []


def test_concurrent_uses_of_a_link_are_one_download_of_three_files(committing: Flask) -> None:
    line = sold(committing.test_client())
    token = link_of(line).rpartition("/")[2]

    def begin(_: int) -> str:
        with transaction() as session:
            download = downloads.resolve_link(session, token=token)
        try:
            with transaction() as session:
                first = downloads.start(session, download=download, length=len(GUIDE) // 4)
        except DownloadLimitReached:
            return "refused"
        return "first" if first else "resumed"

    outcome = Counter(all_at_once(begin, range(20), threads=16))
    assert outcome == {"first": 1, "resumed": 11, "refused": 8}
    assert delivered(line)["downloadsLeft"] == 4
    assert broken_invariants() == []


def test_concurrent_ranges_are_counted_correctly(committing: Flask) -> None:
    line = sold(committing.test_client())
    link = link_of(line)

    def get(part: int) -> bytes:
        client = committing.test_client()
        start = part * 1000
        with client.get(link, headers={"Range": f"bytes={start}-{start + 999}"}) as answer:
            # Four at a time per order: the others are repeated.
            return bytes(answer.data) if answer.status_code == 206 else b""

    parts = dict.fromkeys(range(10), b"")
    while missing := [number for number, part in parts.items() if not part]:
        parts |= dict(zip(missing, all_at_once(get, missing, threads=4), strict=True))
    assert b"".join(parts[number] for number in sorted(parts)) == GUIDE[:10_000]
    assert delivered(line)["downloadsLeft"] == 4
    assert views._downloads._running == {}
    assert broken_invariants() == []


def test_concurrent_uploads_of_the_same_bytes_store_them_once(committing: Flask) -> None:
    sellers = [factories.merchant() for _ in range(4)]
    products = [(seller, file_product(seller)) for seller in sellers]

    def send(target: tuple[factories.Actor, object]) -> tuple[int, str]:
        answer = upload(committing.test_client(), target[0], target[1])  # type: ignore[arg-type]
        return answer.status_code, answer.json["sha256"]

    assert set(all_at_once(send, products)) == {(201, sha256(GUIDE))}
    assert broken_invariants() == []


def test_concurrent_uploads_get_consecutive_versions(committing: Flask) -> None:
    seller = factories.merchant()
    product_id = on_sale(committing.test_client(), seller)

    def send(number: int) -> int:
        body = f"edition {number}".encode()
        answer = upload(committing.test_client(), seller, product_id, body)
        return int(answer.json["version"])

    assert sorted(all_at_once(send, range(2))) == [2, 3]
    assert broken_invariants() == []


def test_a_file_is_either_bought_or_deleted(committing: Flask) -> None:
    seller = factories.merchant()
    products = [on_sale(committing.test_client(), seller) for _ in range(6)]
    buyers = [factories.buyer() for _ in products]

    def delete(number: int) -> int:
        path = f"{API}/products/{products[number]}/file"
        return committing.test_client().delete(path, headers=seller.headers).status_code

    def buy(number: int) -> int:
        order = {"productId": str(products[number]), "paymentMethod": "WALLET"}
        answer = committing.test_client().post(
            f"{API}/orders", json=order, headers=buyers[number].headers
        )
        return answer.status_code

    acts = [(act, number) for number in range(6) for act in (buy, delete)]
    done = all_at_once(lambda act: act[0](act[1]), acts, threads=12)

    assert set(zip(done[::2], done[1::2], strict=True)) <= {(201, 409), (400, 204)}
    assert broken_invariants() == []


def test_concurrent_revocations_never_exceed_the_quantity(committing: Flask) -> None:
    client = committing.test_client()
    line = bought(client, factories.buyer(), on_sale(client, factories.merchant()), quantity=5)

    def revoke(_: int) -> bool:
        try:
            with transaction() as session:
                return delivery.revoke(session, line, units=1) == 1
        except IntegrityError:
            return False

    assert Counter(all_at_once(revoke, range(8), threads=8)) == {True: 5, False: 3}
    found = delivery_of(line)
    assert found is not None
    assert not found.is_open
