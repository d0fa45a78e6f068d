"""What has to be done once a database has been restored to a past moment."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import login_sessions
from app.backups import repository
from app.banks import event_list as bank_events
from app.banks import providers
from app.banks import service as banks
from app.banks.errors import BankUnavailable, InvalidBankResponse
from app.banks.providers import Provider
from app.common.db import retry_transaction
from app.common.errors import AppError
from app.gateway import client as gateway_client
from app.gateway import event_list as gateway_events
from app.gateway import service as gateway
from app.inbox import tasks as inbox

#: Stores one event. Returns the id of its row, None if it is a repeat or of no interest.
Store = Callable[[Session], UUID | None]
#: Fetches and handles events since then. Returns how many there were, and how many of them are new;
#: None if they are not listed.
Fetch = Callable[[datetime], tuple[int, int] | None]


def end_sessions(since: datetime) -> int:
    """Revoke the sessions of users that existed at the restored moment. Returns their number.

    The revocations after it are lost: a session whose owner has ended it since, or whose refresh
    token has leaked, would be valid again. API keys stay, because servers of merchants use them.

    since: the moment, or before it if it is only known to be later: what the server has recovered
    was there before it started.
    """

    def end_all(session: Session) -> int:
        before = max(since, repository.get_server_start(session))
        return login_sessions.end_all(session, before=before)

    return retry_transaction(end_all)


def fetch_events(since: datetime) -> Iterator[str]:
    """Fetch what banks and the gateway have reported since then, and handle it. Yields a sentence
    for each of them.

    An event that was handled before is a repeat, and one about a payment that is unknown is
    quarantined.
    """
    sources: list[tuple[str, Fetch]] = [
        (provider.name, partial(_of_bank, provider)) for provider in providers.list_all()
    ]
    if gateway_client.is_configured():
        sources.append(("The gateway", _of_gateway))
    for name, fetch in sources:
        try:
            found = fetch(since)
        except (BankUnavailable, InvalidBankResponse, AppError) as error:
            text = error.text if isinstance(error, AppError) else str(error)
            yield f"{name}: events were not fetched ({text}); try again."
            continue
        if found is None:
            yield f"{name} does not list its events: reconcile its statement."
        else:
            yield f"{name}: {found[0]} events, {found[1]} of them new."


def _of_bank(provider: Provider, since: datetime) -> tuple[int, int] | None:
    listed = bank_events.events_since(provider, since)
    if listed is None:
        return None
    return _handle_all(
        partial(
            banks.receive,
            event=event,
            provider=provider,
            event_id=event["id"],
            body=text,
            keeps_unknown=True,
        )
        for event, text in listed
    )


def _of_gateway(since: datetime) -> tuple[int, int]:
    def store(event: dict[str, object], text: str, session: Session) -> UUID | None:
        return gateway.receive(session, event, body=text, keeps_unknown=True)[1]

    return _handle_all(
        partial(store, event, text) for event, text in gateway_events.events_since(since)
    )


def _handle_all(events: Iterator[Store]) -> tuple[int, int]:
    """Store and handle each. Returns how many there were, and how many of them are new."""
    count = new = 0
    for store in events:
        count += 1
        stored = retry_transaction(store)
        if stored is not None:
            new += 1
            inbox.handle(str(stored))
    return count, new
