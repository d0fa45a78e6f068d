"""Requests are parsed the same however they arrive."""

import pytest

from app.common.body_limit import MAX_BODY_BYTES
from app.server.requests import MAX_HEAD_BYTES, Malformed, Request, RequestReader

PIPELINE = (
    b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\n"
    b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: ignored\r\n\r\n"
    b"DELETE /d HTTP/1.0\r\n\r\n"
)
PARSED = [
    ("GET", b"/a?b=c", "1.1", True, b""),
    ("POST", b"/b", "1.1", True, b"hello"),
    ("POST", b"/c", "1.1", True, b"abcde"),
    ("DELETE", b"/d", "1.0", False, b""),
]


def parsed(requests: list[Request]) -> list[tuple[str, bytes, str, bool, bytes]]:
    return [(r.method, r.target, r.version, r.keep_alive, b"".join(r.body)) for r in requests]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_requests_are_the_same_in_parts_of_any_size(size: int) -> None:
    reader = RequestReader()
    requests = []
    for start in range(0, len(PIPELINE), size):
        requests += reader.feed(PIPELINE[start : start + size])
    assert parsed(requests) == PARSED
    assert reader.is_idle


def test_a_large_body_need_not_be_complete() -> None:
    reader = RequestReader()
    length = MAX_BODY_BYTES + 1
    (request,) = reader.feed(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\nab" % length)
    assert request.is_streamed
    assert not request.is_complete
    assert reader.feed(b"c" * (length - 2)) == []
    assert request.is_complete
    assert sum(map(len, request.body)) == length


def test_a_body_of_unknown_length_is_large_once_it_is() -> None:
    reader = RequestReader()
    assert reader.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") == []
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    assert reader.feed(chunk) == reader.feed(chunk) == []
    (request,) = reader.feed(chunk)
    assert request.is_streamed


@pytest.mark.parametrize("end", [b"", b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_an_offer_of_another_protocol_is_ignored(end: bytes) -> None:
    """As the HTTP client of Java makes it with each first request."""
    reader = RequestReader()
    offer = (
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
        b"Upgrade: h2c\r\nContent-Length: 5\r\n\r\nhel"
    )
    assert reader.feed(offer) == []
    requests = reader.feed(b"lo" + end)
    assert parsed(requests)[0] == ("POST", b"/", "1.1", True, b"hello")
    assert len(requests) == (2 if end else 1)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",  # TLS
        b"GET /\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT host:1 HTTP/1.1\r\nHost: host:1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        # Proxies that read these differently would let one request hide in another.
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
)
def test_ambiguous_requests_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        RequestReader().feed(data)


def test_a_head_has_a_maximum_size() -> None:
    reader = RequestReader()
    reader.feed(b"GET / HTTP/1.1\r\nX: ")
    reader.feed(b"x" * (MAX_HEAD_BYTES - 1024))
    with pytest.raises(Malformed, match="431"):
        reader.feed(b"x" * 1024)
