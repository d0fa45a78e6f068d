"""The mail server, over SMTP."""

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final, TypeVar

from app.common import circuit
from app.notifications.mail_config import MailServer

T = TypeVar("T")

#: Name of its circuit breaker.
CIRCUIT: Final = "smtp"
#: Seconds for each step of the conversation.
_TIMEOUT: Final = 20
#: From this on, replies are permanent (RFC 5321, 4.2.1).
_PERMANENT: Final = 500


class MailUnavailable(Exception):
    """The server cannot be reached or refuses us altogether."""


class MailDeferred(Exception):
    """The server did not accept a message, and may do so later."""


class MailRefused(Exception):
    """The server will never accept a message."""


class MailConnection:
    """A connection to the mail server that is opened when it is needed, and used for many mails.

    Not for use by several threads.
    """

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, unless a working connection is open.

        Raises MailUnavailable, and CircuitOpen if the server was away a moment ago.
        """
        if self._smtp is not None and self._answers(self._smtp):
            return
        self.close()
        self._smtp = circuit.call(CIRCUIT, self._connect, failure=MailUnavailable)

    def send(self, message: EmailMessage, *, to: str) -> None:
        """Give the server a mail. Call `open` before. Raises MailDeferred, MailRefused."""
        if self._smtp is None:
            raise MailDeferred("not connected")
        try:
            self._smtp.send_message(message, self._server.sender, [to])
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), 0)
            raise _failure(code) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            raise MailRefused("the server does not accept international addresses") from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise MailDeferred(f"connection lost ({type(error).__name__})") from error

    def close(self) -> None:
        """Close the connection, if there is one."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            _attempt(smtp.quit)
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        smtp: smtplib.SMTP | None = None
        try:
            if server.tls:
                context = ssl.create_default_context()
                smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT, context=context)
            else:
                smtp = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT)
            if server.starttls:
                smtp.starttls(context=ssl.create_default_context())
            if server.user is not None:
                smtp.login(server.user, server.password or "")
        except (smtplib.SMTPException, OSError) as error:
            if smtp is not None:
                smtp.close()
            raise MailUnavailable(_describe(error)) from error
        return smtp

    @staticmethod
    def _answers(smtp: smtplib.SMTP) -> bool:
        try:
            return smtp.noop()[0] < 400
        except (smtplib.SMTPException, OSError):
            return False


def _failure(code: int) -> Exception:
    """What a reply means. Its text is left out, because it usually repeats the address."""
    if code >= _PERMANENT:
        return MailRefused(f"refused with status {code}")
    return MailDeferred(f"deferred with status {code}")


def _describe(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return f"status {code}" if code else type(error).__name__


def _attempt(work: Callable[[], object]) -> None:
    try:
        work()
    except (smtplib.SMTPException, OSError):
        return
