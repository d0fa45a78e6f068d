"""The mail catcher: what it receives, and its pages."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.mail_catcher import MailCatcher
from tests.simulators import FormBrowser, call


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher.open(tmp_path) as opened:
        yield opened


def deliver(
    catcher: MailCatcher,
    *,
    subject: str = "Hello",
    to: str = "alice@example.com",
    html: str | None = "<p>Hi</p>",
    message_id: str = "<1@example.com>",
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "no-reply@example.com", to, subject
    mail["Message-ID"] = message_id
    mail.set_content("The text of the mail, at https://example.com/x")
    if html is not None:
        mail.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as smtp:
        smtp.send_message(mail)


def get(catcher: MailCatcher, path: str) -> str:
    answer = call("GET", catcher.url + path, headers={"Accept": "text/html"})
    assert answer.status == 200, answer.text
    return answer.text


def test_an_empty_catcher_says_so(catcher: MailCatcher) -> None:
    assert "No mails yet" in get(catcher, "/")
    assert str(catcher.smtp_port) in get(catcher, "/")


def test_mails_are_listed_newest_first_and_searched(catcher: MailCatcher) -> None:
    deliver(catcher, subject="First", message_id="<1@x>")
    deliver(catcher, subject="Second 100%", to="bob@example.com", message_id="<2@x>")

    page = get(catcher, "/")
    assert page.index("Second") < page.index("First")
    assert "First" not in get(catcher, "/?q=bob")
    assert "Second" not in get(catcher, "/?q=First")
    assert "First" not in get(catcher, "/?q=100%25")
    assert "No mail contains" in get(catcher, "/?q=_____________________________________________x")


def test_a_mail_is_shown_as_html_text_and_source(catcher: MailCatcher) -> None:
    deliver(catcher)

    assert "<iframe" in get(catcher, "/mails/1")
    assert 'href="https://example.com/x"' in get(catcher, "/mails/1?view=text")
    assert "Message-ID: &lt;1@example.com&gt;" in get(catcher, "/mails/1?view=source")
    assert get(catcher, "/mails/1/html").strip() == "<p>Hi</p>"


def test_the_html_of_a_mail_runs_and_loads_nothing(catcher: MailCatcher) -> None:
    deliver(catcher, html="<script>alert(1)</script><img src='https://example.com/x.png'>")

    frame = call("GET", f"{catcher.url}/mails/1/html")
    page = get(catcher, "/mails/1")

    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in page
    assert "alert(1)" not in page


def test_subjects_are_escaped(catcher: MailCatcher) -> None:
    deliver(catcher, subject="<script>alert(1)</script>")

    assert "<script>alert" not in get(catcher, "/") + get(catcher, "/mails/1")


def test_a_repeated_mail_is_counted(catcher: MailCatcher) -> None:
    deliver(catcher)
    deliver(catcher)

    assert "received 2 times" in get(catcher, "/")
    assert len(catcher.mails) == 1


@pytest.mark.parametrize(("to", "code"), [("refused@x.example", 550), ("deferred@x.example", 451)])
def test_some_addresses_fail(catcher: MailCatcher, to: str, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        deliver(catcher, to=to)

    assert refused.value.recipients[to][0] == code
    assert catcher.mails == []


def test_only_its_own_form_deletes_all_mails(catcher: MailCatcher) -> None:
    deliver(catcher)
    assert call("POST", f"{catcher.url}/clear").status == 403

    browser = FormBrowser()
    page = browser.open(f"{catcher.url}/")
    assert browser.submit(f"{catcher.url}/clear", page, {}).status == 303

    assert catcher.mails == []


def test_an_unknown_mail_is_not_found(catcher: MailCatcher) -> None:
    assert call("GET", f"{catcher.url}/mails/7").status == 404
