"""The mail server, as configured."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from app.common.process_state import Slot
from app.common.settings import PRODUCT_NAME, Settings

_PORTS: Final = {"smtp": 587, "smtps": 465}
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server. tls: from the beginning (RFC 8314); starttls: after the greeting, required
    then. sender: address of our mails; per_second: mails that a process sends at most."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str | None
    password: str | None = field(repr=False)
    sender: str
    sender_name: str = PRODUCT_NAME
    per_second: int = 30
    max_sales_per_hour: int = 20


#: The mail server of this process; None if no mails are sent.
server: Final[Slot[MailServer | None]] = Slot("mail server", default=None)


def from_settings(settings: Settings) -> MailServer | None:
    """The mail server of SMTP_URL; None without one."""
    if settings.smtp_url is None:
        return None
    parts = urlsplit(settings.smtp_url)
    host = parts.hostname or ""
    return MailServer(
        host=host,
        port=parts.port or _PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        starttls=parts.scheme == "smtp" and parts.query != "tls=off" and host not in _LOOPBACK,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        sender=settings.mail_from,
        per_second=settings.mails_per_second,
        max_sales_per_hour=settings.sale_mails_per_hour,
    )
