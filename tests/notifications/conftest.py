"""A mail catcher that receives the mails of the application."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.common import cache, circuit, process_state
from app.health import service as health
from app.notifications import mail_config, queue
from app.notifications.client import CIRCUIT
from app.notifications.mail_config import MailServer
from tests.mail_catcher import MailCatcher


def mail_server(port: int, **changes: Any) -> MailServer:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": False,
        "starttls": False,
        "user": None,
        "password": None,
        "sender": "no-reply@pay.example.com",
        "per_second": 100,
        "max_sales_per_hour": 20,
    }
    return MailServer(**values | changes)


@pytest.fixture(scope="module")
def opened_catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    with MailCatcher.open(tmp_path_factory.mktemp("mails")) as catcher:
        yield catcher


@pytest.fixture
def catcher(opened_catcher: MailCatcher) -> MailCatcher:
    """An empty mail catcher, to which the application sends its mails."""
    from sandbox.mail import store

    store.clear(opened_catcher.server.simulator.store)
    process_state._values[mail_config.server.name] = mail_server(opened_catcher.smtp_port)
    health.reports.subscribe("mail", queue.report)
    cache.client().delete(*cache.client().keys(f"circuit:{CIRCUIT}*") or ["circuit:none"])
    assert not circuit.is_open(CIRCUIT)
    return opened_catcher


@pytest.fixture
def change_server(catcher: MailCatcher) -> Callable[..., None]:
    """Call it with attributes of the mail server that apply for the rest of the test."""

    def change(**changes: Any) -> None:
        process_state._values[mail_config.server.name] = mail_server(
            changes.pop("port", catcher.smtp_port), **changes
        )

    return change
