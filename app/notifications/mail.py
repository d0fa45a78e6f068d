"""Makes mails: text and HTML of the same content, in one layout."""

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from uuid import UUID

import email_validator
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.common.settings import PRODUCT_NAME
from app.notifications.mail_config import MailServer
from app.notifications.texts.content import Content

_TEMPLATES: Final = Path(__file__).parent / "templates" / "mail"
#: Control characters, and those that only order text: a subject is one visible line.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_MAX_SUBJECT: Final = 200


class _Policy(EmailPolicy):
    """SMTP's, but headers that are a URI stay on one line: the line breaks and encoded words that
    make long texts fit are not allowed in them (RFC 2369, section 2)."""

    def fold(self, name: str, value: str) -> str:
        if name in _URI_HEADERS:
            return f"{name}: {value}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: str) -> bytes:
        if name in _URI_HEADERS:
            return self.fold(name, value).encode("ascii")
        folded: bytes = super().fold_binary(name, value)
        return folded


_URI_HEADERS: Final = frozenset({"List-Unsubscribe"})
_POLICY: Final = _Policy(linesep="\r\n")


def make_mail(
    content: Content,
    *,
    message_id: UUID,
    to: str,
    server: MailServer,
    created_at: datetime,
    unsubscribe_url: str | None,
    settings_hint: str,
) -> EmailMessage:
    """A mail. message_id: the same for each attempt; unsubscribe_url: for one click (RFC 8058),
    None for what is required; settings_hint: why the user receives it.

    Raises ValueError for an address that is none.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(server.sender_name, addr_spec=server.sender)
    mail["To"] = _address(to)
    mail["Subject"] = one_line(content.subject)
    mail["Date"] = format_datetime(created_at)
    mail["Message-ID"] = f"<{message_id}@{server.sender.rpartition('@')[2]}>"
    # No answers from machines (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    # Other letters before the @ need servers that take them (RFC 6532), which the recipient's
    # address says nothing about.
    if content.reply_to and wire_address(content.reply_to).isascii():
        mail["Reply-To"] = _address(content.reply_to)
    if unsubscribe_url is not None:
        mail["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    values = {
        "content": content,
        "product_name": PRODUCT_NAME,
        "unsubscribe_url": unsubscribe_url,
        "hint": settings_hint,
    }
    templates = _templates()
    mail.set_content(templates.get_template("mail.txt").render(values))
    mail.add_alternative(templates.get_template("mail.html").render(values), subtype="html")
    return mail


def one_line(text: str) -> str:
    """A text as the value of a header: without line breaks and controls, of limited length."""
    text = _CONTROLS.sub(" ", text).strip()
    return text if len(text) <= _MAX_SUBJECT else f"{text[: _MAX_SUBJECT - 1]}…"


def _address(address: str) -> Address:
    local_part, _, domain = wire_address(address).rpartition("@")
    return Address(username=local_part, domain=domain)


def wire_address(address: str) -> str:
    """An address with its domain in ASCII, as most servers require. Raises ValueError."""
    parsed = email_validator.validate_email(
        address, check_deliverability=False, globally_deliverable=False
    )
    return parsed.ascii_email or f"{parsed.local_part}@{parsed.ascii_domain}"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
