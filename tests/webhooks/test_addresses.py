"""Webhooks go to public addresses only, in whatever spelling the merchant writes another one."""

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask.testing import FlaskClient

from app.webhooks import addresses
from app.webhooks.addresses import AddressRules, UrlInvalid, is_public, parse_url
from app.webhooks.dispatch import client as webhook_client
from tests.factories import Actor
from tests.webhooks.helpers import (
    API,
    attempts_of,
    create,
    deliver,
    deliveries_of,
    occurred,
)
from tests.webhooks.receiver import Receiver

#: Addresses that are not those of a host in the internet.
NOT_PUBLIC = (
    *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1"),
    *("172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255"),
    *("192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456:789a::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::10.0.0.1"),
    *("64:ff9b::8.8.8.8", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1"),
    *("2001:db8::1", "100::1", "3fff::1", "5f00::1"),
)
PUBLIC = ("8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1::1")

#: URLs that no endpoint can have in production.
REFUSED = (
    *(
        "http://shop.example.com",
        "ftp://shop.example.com",
        "//shop.example.com",
        "shop.example.com",
    ),
    *("https://", "https:///path", "https://:443/", "https://.example.com/"),
    *("https://localhost", "https://LOCALHOST/", "https://shop.localhost/", "https://localhost./"),
    *("https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/"),
    *("https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001"),
    *("https://127.0.0.1./", "https://00127.0.0.1/", "https://0/", "https://1.2.3.4.5/"),
    *(
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://\u2460\u2461\u2466.0.0.1/",
        "https://127\u30020\u30020\u30021/",
    ),
    *("https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/"),
    *("https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1%25eth0]/"),
    *("https://[::]/", "https://[fd00::1]/", "https://[1::2::3]/", "https://[shop.example.com]/"),
    *("https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/"),
    *("https://user@shop.example.com/", "https://user:word@shop.example.com/"),
    *("https://shop.example.com@127.0.0.1/", "https://@shop.example.com/"),
    *("https://shop.example.com\\@127.0.0.1/", "https://shop.example.com /", "https://a b/"),
    *("https://shop.example.com/\r\nHost: other", "https://shop.example.com/\t"),
    *(
        "https://shop.example.com./",
        "https://shop.example.com:0/",
        "https://shop.example.com:99999",
    ),
    *("https://shop.example.com/#fragment", "https://shop.example.com/ü", "https://" + "a" * 2000),
)


@contextmanager
def rules(**changed: Any) -> Iterator[None]:
    before = addresses.rules()
    addresses.rules.configure(AddressRules(**changed))
    try:
        yield
    finally:
        addresses.rules.configure(before)


def answering(*answers: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """A resolver that gives these answers, one after another."""
    left = deque(answers)

    def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.popleft()

    return resolve


class TestUrls:
    @pytest.mark.parametrize("text", NOT_PUBLIC)
    def test_an_address_that_is_not_public_is_refused(self, text: str) -> None:
        address = ip_address(text)
        assert not is_public(address)
        host = f"[{text}]" if ":" in text else text
        with rules(), pytest.raises(UrlInvalid):
            parse_url(f"https://{host}/")

    @pytest.mark.parametrize("text", PUBLIC)
    def test_a_public_address_is_accepted(self, text: str) -> None:
        assert is_public(ip_address(text))
        host = f"[{text}]" if ":" in text else text
        with rules():
            assert parse_url(f"https://{host}/").host == text

    @pytest.mark.parametrize("url", REFUSED)
    def test_a_url_that_could_lead_elsewhere_is_refused(
        self, client: FlaskClient, seller: Actor, url: str
    ) -> None:
        with rules():
            answer = client.post(API, json={"url": url}, headers=seller.headers)
        assert (answer.status_code, answer.json["error"]) == (400, "VALIDATION_ERROR")
        assert answer.json["details"].keys() == {"url"}

    def test_the_parts_of_a_url(self) -> None:
        with rules():
            target = parse_url("https://Bücher.example:8443/hooks?x=1")
        assert (target.host, target.port) == ("xn--bcher-kva.example", 8443)
        assert (target.path, target.host_header) == ("/hooks?x=1", "xn--bcher-kva.example:8443")


class TestSending:
    @pytest.mark.parametrize("text", NOT_PUBLIC)
    def test_a_host_with_such_an_address_is_never_connected_to(
        self, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))
        for answer in ([text], ["8.8.8.8", text]):
            with rules(resolve=answering(answer)):
                found = webhook_client.post("https://shop.example.com/", b"{}", {})
            assert found.error == "Not sent: The host has an address that is not public."
            assert (found.status_code, found.excerpt) == (None, None)

    def test_the_checked_address_is_the_one_that_is_connected_to(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        """The second answer of the name server is never asked for, and never used."""
        port = receiver.url.rpartition(":")[2]
        allowed = addresses.rules().allowed
        endpoint = create(client, seller, f"http://rebinding.example.com:{port}/")
        resolve = answering(["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"])
        occurred(seller)
        with rules(requires_https=False, allowed=allowed, resolve=resolve):
            deliver()
            assert receiver.received[0].headers["host"] == f"rebinding.example.com:{port}"
            # Checked again at every attempt.
            occurred(seller)
            deliver()
        assert len(receiver.received) == 1
        _, blocked = deliveries_of(client, seller, endpoint)
        (attempt,) = attempts_of(client, seller, endpoint, blocked)
        assert attempt["error"] == "Not sent: The host has an address that is not public."
        assert (attempt["statusCode"], attempt["excerpt"]) == (None, None)

    def test_an_endpoint_that_is_no_longer_allowed_receives_nothing(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        occurred(seller)
        with rules():  # as in production
            deliver()
        assert receiver.received == []
        (delivery,) = deliveries_of(client, seller, endpoint)
        (attempt,) = attempts_of(client, seller, endpoint, delivery)
        assert attempt["error"] == "Not sent: Must begin with https://."

    def test_a_proxy_of_the_environment_is_not_used(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Receiver.open() as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            monkeypatch.delenv("no_proxy", raising=False)
            with rules(requires_https=False, allowed=addresses.rules().allowed):
                assert webhook_client.post(receiver.url, b"{}", {}).is_success
            assert (len(receiver.received), len(proxy.received)) == (1, 0)

    def test_a_host_without_an_address_fails(self) -> None:
        def unknown(_host: str, _port: int) -> Sequence[str]:
            raise socket.gaierror

        with rules(resolve=unknown):
            found = webhook_client.post("https://shop.example.com/", b"{}", {})
        assert found.error == "Not sent: The host has no address."


@pytest.fixture
def loopback() -> Iterator[None]:
    with rules(
        requires_https=False,
        allowed=AddressRules.of(requires_https=False, allowed=["127.0.0.0/8"]).allowed,
    ):
        yield


@contextmanager
def speaking(*parts: bytes, pause: float = 0.0) -> Iterator[str]:
    """A server that reads nothing and sends these parts to each client, with pauses."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as connection:
                for part in parts:
                    try:
                        connection.sendall(part)
                    except OSError:
                        return
                    time.sleep(pause)
                time.sleep(0.3)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.mark.usefixtures("loopback")
class TestLimits:
    def test_a_refused_connection_is_told(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        found = webhook_client.post(f"http://127.0.0.1:{port}/", b"{}", {})
        assert found.error == "The connection was refused."

    def test_an_endpoint_that_drips_its_head_is_cut_off(self) -> None:
        with speaking(b"HTTP/1.1 200 OK\r\n", *[b"X"] * 500, pause=0.02) as url:
            found = webhook_client.post(url, b"{}", {}, seconds=0.5)
        assert not found.is_success
        assert found.duration < timedelta(seconds=2)

    def test_an_endpoint_that_drips_its_body_is_cut_off(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
        with speaking(head, *[b"x"] * 500, pause=0.02) as url:
            found = webhook_client.post(url, b"{}", {}, seconds=0.5)
        assert found.error == "No complete response within 15 seconds."
        assert found.duration < timedelta(seconds=2)

    def test_an_answer_may_take_longer_than_connecting(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webhook_client, "_CONNECT_SECONDS", 0.2)
        with speaking(b"", b"HTTP/1.1 204 No Content\r\n\r\n", pause=0.6) as url:
            found = webhook_client.post(url, b"{}", {}, seconds=10)
        assert (found.status_code, found.error) == (204, None)

    def test_at_most_64_kib_of_a_response_are_read(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
        with speaking(head, *[b"x" * 65536] * 3, pause=0.01) as url:
            found = webhook_client.post(url, b"{}", {}, seconds=5)
        assert (found.status_code, len(found.excerpt or "")) == (200, 500)
        assert found.duration < timedelta(seconds=2)

    @pytest.mark.parametrize("sent", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b""])
    def test_what_is_no_http_fails(self, sent: bytes) -> None:
        with speaking(sent) as url:
            found = webhook_client.post(url, b"{}", {}, seconds=2)
        assert found.error is not None
        assert found.excerpt is None

    def test_tls_requires_a_valid_certificate(self) -> None:
        with speaking(b"not TLS") as url:
            found = webhook_client.post(url.replace("http:", "https:"), b"{}", {}, seconds=2)
        assert found.error == "The certificate or the TLS connection is not valid."


@pytest.fixture
def tls_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server with a certificate for hooks.example.com, which the environment trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = server.accept()
                except OSError:
                    return
                with suppress(OSError), context.wrap_socket(accepted, server_side=True) as secure:
                    received = b""
                    while not received.endswith(b"{}"):  # head and body may arrive one by one
                        received += secure.recv(65536) or b"{}"
                    secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_the_certificate_is_checked_for_the_name_and_not_for_the_address(tls_port: int) -> None:
    allowed = AddressRules.of(requires_https=True, allowed=["127.0.0.0/8"]).allowed
    with rules(allowed=allowed, resolve=lambda *_: ["127.0.0.1"]):
        right = webhook_client.post(f"https://hooks.example.com:{tls_port}/", b"{}", {})
        wrong = webhook_client.post(f"https://other.example.com:{tls_port}/", b"{}", {})
    assert (right.status_code, right.error) == (204, None)
    assert wrong.error == "The certificate or the TLS connection is not valid."


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), ("0", 0), ("999999999999", 86400), ("-5", None), ("soon", None), (None, None)],
)
def test_retry_after(value: str | None, seconds: int | None) -> None:
    wait = webhook_client._parse_retry_after(value)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))
