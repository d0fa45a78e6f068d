"""Mail servers with TLS and a login, over real connections."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.notifications.client import MailConnection, MailUnavailable
from tests.notifications.conftest import mail_server
from tests.ports import unused_port

LOGIN = ("shop", "p@ss:word/1")


class Inbox:
    """Accepts mails of clients that have signed in over TLS."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(  # noqa: N802 – named by aiosmtpd
        self, _: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert session.authenticated
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of localhost and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificate, as if an authority that the system trusts had signed it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
def serve(certificate: Path) -> Iterator[Callable[..., tuple[Inbox, int]]]:
    """Call it to start a server that requires a login. Returns where mails go, and the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def authenticate(_: Any, __: Any, ___: Any, ____: Any, given: LoginPassword) -> AuthResult:
        found = (given.login.decode(), given.password.decode())
        return AuthResult(success=found == LOGIN, handled=False)

    with ExitStack() as stack:

        def start(how: str) -> tuple[Inbox, int]:
            tls = {"tls": {"ssl_context": context}, "starttls": {"tls_context": context}}
            inbox, port = Inbox(), unused_port()
            controller = Controller(
                inbox,
                hostname="127.0.0.1",
                port=port,
                authenticator=authenticate,
                auth_required=how == "starttls",
                auth_require_tls=how == "starttls",
                **tls.get(how, {}),
            )
            controller.start()
            stack.callback(controller.stop)
            return inbox, port

        yield start


def send(port: int, how: str, *, login: tuple[str, str] = LOGIN) -> None:
    server = mail_server(
        port,
        host="localhost",
        tls=how == "tls",
        starttls=how == "starttls",
        user=login[0],
        password=login[1],
    )
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = server.sender, "ann@example.com", "Hello"
    mail.set_content("Text")
    connection = MailConnection(server)
    try:
        connection._smtp = connection._connect()  # without the circuit breaker
        connection.send(mail, to="ann@example.com")
    finally:
        connection.close()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("how", ["tls", "starttls"])
def test_mails_go_through_tls_to_a_server_that_knows_us(
    serve: Callable[..., tuple[Inbox, int]], how: str
) -> None:
    inbox, port = serve(how)

    send(port, how)

    (received,) = inbox.mails
    assert received.rcpt_tos == ["ann@example.com"]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("how", ["tls", "starttls"])
def test_a_wrong_password_is_reported_by_status(
    serve: Callable[..., tuple[Inbox, int]], how: str
) -> None:
    inbox, port = serve(how)

    with pytest.raises(MailUnavailable, match=r"^status 535$"):
        send(port, how, login=("shop", "another"))
    assert inbox.mails == []


@pytest.mark.parametrize("how", ["tls", "starttls"])
def test_an_unknown_certificate_is_refused(
    serve: Callable[..., tuple[Inbox, int]], how: str
) -> None:
    inbox, port = serve(how)

    with pytest.raises(MailUnavailable, match="SSLCertVerificationError"):
        send(port, how)
    assert inbox.mails == []


@pytest.mark.usefixtures("trusted")
def test_a_server_without_starttls_learns_no_password(
    serve: Callable[..., tuple[Inbox, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(SMTP, "smtp_AUTH", lambda *arguments: asked.append(arguments))
    inbox, port = serve("plain")

    with pytest.raises(MailUnavailable, match="SMTPNotSupportedError"):
        send(port, "starttls")
    assert (asked, inbox.mails) == ([], [])
