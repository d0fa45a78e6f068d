"""Sends messages: claims what is due, makes the texts and gives them to the servers.

A message is marked as SENDING, and that is committed, before a server is given it, and as SENT
afterwards. If the process dies in between, nobody knows whether the server has accepted it: it is
sent again after the lease, with the same Message-ID, by which servers and clients recognize it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from typing import Final

import structlog
from sqlalchemy.orm import Session

from app.auth.masking import masked_email
from app.common import tracing
from app.common.circuit import CircuitOpen
from app.common.db import retry_transaction, transaction
from app.common.settings import PRODUCT_NAME, Settings
from app.notifications import (
    digest,
    goods,
    handle_messages,
    links,
    mail,
    mail_config,
    messages,
    page_links,
    password_links,
    repository,
)
from app.notifications.channels import REQUIRED
from app.notifications.client import MailConnection, MailDeferred, MailRefused, MailUnavailable
from app.notifications.links import Subscription
from app.notifications.mail_config import MailServer
from app.notifications.messages import Claimed, NotSendable
from app.notifications.models import Channel
from app.notifications.texts.compose import compose, reader_for
from app.notifications.texts.content import Content
from app.notifications.topics import KINDS

#: Text messages of one cycle, which only write to the log.
_BATCH: Final = 30
#: Digests of one cycle.
_MAX_DIGESTS: Final = 20

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in words, and where it goes."""

    to: str
    content: Content
    unsubscribe_url: str | None


class Sender:
    """Sends what is due, cycle by cycle, over one connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server = mail_config.server()
        self._connection = MailConnection(self._server) if self._server else None

    def run_once(self, *, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Send messages that are due, as many as the server may be given in a second. Returns
        their number; 0 if there is nothing to do at the moment.

        is_stopping: whether to leave the rest to others.
        """
        retry_transaction(password_links.prepare_messages)
        retry_transaction(handle_messages.prepare_messages)
        for _ in range(_MAX_DIGESTS):
            if not retry_transaction(digest.merge_next):
                break
        server = self._server
        claim = partial(
            messages.claim_due,
            limit=server.per_second if server else _BATCH,
            max_sales=server.max_sales_per_hour if server else 0,
        )
        claimed = retry_transaction(claim)
        if not claimed:
            self.close()
        postponed: list[Claimed] = []
        for message in claimed:
            is_blocked = any(each.channel == message.channel for each in postponed)
            if is_stopping() or is_blocked or not self._send(message):
                postponed.append(message)
        if postponed:
            retry_transaction(partial(messages.release, claimed=postponed))
        return len(claimed) - len(postponed)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _send(self, message: Claimed) -> bool:
        """Send a message. Returns False if its server is away, so that nothing was tried."""
        try:
            with transaction() as session:
                letter = self._write(session, message)
            deliver = self._deliverer(message, letter)
        except (MailUnavailable, CircuitOpen) as error:
            _log.warning("mail server away", reason=str(error))
            return False
        except (NotSendable, ValueError) as error:
            # The reason of a ValueError may contain the address.
            problem = str(error) if isinstance(error, NotSendable) else "invalid address"
            retry_transaction(partial(messages.fail, claimed=message, problem=problem))
            return True
        if not retry_transaction(partial(messages.begin, claimed=message)):
            return True
        try:
            with tracing.following(
                "message",
                message.trace_context,
                kind=tracing.Kind.CLIENT,
                attributes={
                    "payment_flow.message.channel": message.channel,
                    "payment_flow.message.topic": message.topic,
                    "payment_flow.message.attempt": message.attempts + 1,
                },
            ):
                deliver()
        except MailRefused as error:
            self._report(message, letter, str(error))
            retry_transaction(partial(messages.fail, claimed=message, problem=str(error)))
        except MailDeferred as error:
            self._report(message, letter, str(error))
            retry_transaction(partial(messages.retry, claimed=message, problem=str(error)))
        else:
            retry_transaction(partial(messages.finish, claimed=message))
        return True

    def _write(self, session: Session, message: Claimed) -> Letter:
        """Make the text of a message. Raises NotSendable."""
        user = repository.get_user(session, message.user_id)
        if user is None:
            raise NotSendable("the user does not exist")
        is_mail = message.channel == Channel.EMAIL
        to = message.address or (user.email if is_mail else user.phone)
        if to is None:
            raise NotSendable("the user has no address")
        reader = reader_for(session, user, [message.data])
        content = compose(message.topic, message.data, reader, at=message.created_at)
        base = self._settings.public_address
        if is_mail and message.topic == "purchase":
            content = goods.with_goods(
                session, content, message.data, reader, base=base, api=self._settings.api_address
            )
        if message.topic == password_links.TOPIC:
            content = password_links.with_link(
                content, message.data, at=message.created_at, base=base
            )
        if message.topic in handle_messages.TOPICS:
            content = handle_messages.with_proof(
                content, message.topic, message.data, at=message.created_at, base=base
            )
        if is_mail:
            content = page_links.with_link(session, content, message.topic, message.data, base=base)
        kind = KINDS[message.topic]
        unsubscribe_url = None
        if is_mail and (kind, Channel.EMAIL) not in REQUIRED:
            subscription = Subscription(user.id, kind, Channel.EMAIL)
            unsubscribe_url = links.url_of(subscription, base=base)
        return Letter(to, content, unsubscribe_url)

    def _deliverer(self, message: Claimed, letter: Letter) -> Callable[[], None]:
        """What delivers a message. Raises MailUnavailable, CircuitOpen, NotSendable, ValueError."""
        if message.channel == Channel.SMS:
            return partial(self._log_sms, letter)
        if self._server is None or self._connection is None:
            raise MailUnavailable("no mail server is configured")
        made = _mail(message, letter, self._server)
        self._connection.open()
        return partial(self._connection.send, made, to=mail.wire_address(letter.to))

    def _log_sms(self, letter: Letter) -> None:
        """What takes the place of a provider of text messages. The text is for developers only."""
        text = " ".join((letter.content.subject, *letter.content.paragraphs))
        shown = {} if self._settings.is_production else {"text": text}
        _log.info("sms", to=f"•••{letter.to[-2:]}", **shown)

    @staticmethod
    def _report(message: Claimed, letter: Letter, problem: str) -> None:
        _log.warning(
            "mail not accepted",
            message=str(message.id),
            to=masked_email(letter.to),
            attempts=message.attempts + 1,
            problem=problem,
        )


def _mail(message: Claimed, letter: Letter, server: MailServer) -> EmailMessage:
    """Raises ValueError for an invalid address."""
    if letter.unsubscribe_url is None:
        hint = "This is about the security of your account, so it is always sent."
    else:
        hint = f"You receive this because you have an account at {PRODUCT_NAME}."
    return mail.make_mail(
        letter.content,
        message_id=message.id,
        to=letter.to,
        server=server,
        created_at=message.created_at,
        unsubscribe_url=letter.unsubscribe_url,
        settings_hint=hint,
    )


def send_all(settings: Settings, *, max_cycles: int = 100) -> int:
    """Send everything that is due. Returns the number of messages. For tests and commands."""
    sender = Sender(settings)
    total = 0
    try:
        for _ in range(max_cycles):
            sent = sender.run_once()
            total += sent
            if not sent:
                break
    finally:
        sender.close()
    return total
