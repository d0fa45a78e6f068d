"""Tells viewers of server-sent events what is in their wallet: first, and after every change.

What a wallet has is compared with what its owner was told last. So nothing that moves money is
missed, whoever moves it, and nobody learns more than `GET /wallet` tells.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

import orjson

from app.common.db import reading
from app.common.money import format_minor
from app.live.feed import Feed, forever
from app.live.hub import SERVER_SENT_EVENTS, Hub, chunk
from app.wallets import service as wallets
from app.wallets.ledger import Account

#: Seconds between two looks at the wallets of all viewers: one statement, which takes a few
#: microseconds for each of them.
_PAUSE_SECONDS: Final = 1.0


class Wallets:
    """currency: of the wallets."""

    def __init__(self, hub: Hub, feed: Feed, *, currency: str) -> None:
        self._hub = hub
        self._feed = feed
        self._currency = currency

    async def run(self) -> None:
        """Tell of changes until cancelled."""
        await forever(self._tell)

    async def _tell(self) -> None:
        await asyncio.sleep(_PAUSE_SECONDS)
        streams = [each for each in self._hub.streams if each.form is SERVER_SENT_EVENTS]
        owners = {each.viewer.user_id for each in streams if each.viewer.user_id is not None}
        if not owners:
            return
        events = await self._feed.in_thread(_events_of, owners, self._currency)
        for stream in streams:
            event = events.get(stream.viewer.user_id, b"")
            if event != stream.wallet:
                stream.wallet = event
                stream.connection.push(event)


def _events_of(user_ids: Collection[UUID], currency: str) -> Mapping[UUID | None, bytes]:
    """The event that tells each user what is in the wallet."""
    with reading() as session:
        accounts = wallets.list_accounts(session, user_ids=user_ids, currency=currency)
    return {account.user_id: _event(account) for account in accounts}


def _event(account: Account) -> bytes:
    currency = account.currency
    described = {
        "balance": format_minor(account.balance, currency),
        "available": format_minor(account.available, currency),
        "held": format_minor(account.held, currency),
        "currency": currency,
        "isLocked": account.is_locked,
    }
    return chunk(b"event: wallet\ndata: %s\n\n" % orjson.dumps(described))
