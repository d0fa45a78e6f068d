"""Passes transactions on to the open streams.

A batch is encoded once for all streams that see the same, and handed to the kernel: no stream has
a queue or a task of its own that would hold what its client does not read.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from app.live.access import Viewer
from app.live.counters import STREAMS, TRANSACTIONS
from app.live.transactions import Transaction

_TEXT: Final = 0x81  # of a WebSocket: the only frame of a text message (RFC 6455, section 5.2)
_SHORT, _MEDIUM = 125, 0xFFFF


class Connection(Protocol):
    """What a stream needs of its connection (`app.live.connections`)."""

    def push(self, data: bytes) -> None: ...
    def drop(self, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Form:
    """How streams of one kind send transactions, and what they send to stay open."""

    encode: Callable[[Sequence[Transaction], bool], bytes]
    heartbeat: bytes


@dataclass(eq=False, slots=True)
class Stream:
    """An open stream. last_id: of the last transaction that it was sent, or may not see; wallet:
    the last event about the viewer's wallet (`app.live.wallets`)."""

    connection: Connection
    viewer: Viewer
    form: Form
    last_id: int = 0
    wallet: bytes = b""

    def send(self, transactions: Iterable[Transaction]) -> None:
        """Send those of them that the viewer may see."""
        seen = [each for each in transactions if self.viewer.may_see(each)]
        if seen:
            TRANSACTIONS.inc(len(seen))
            self.connection.push(self.form.encode(seen, self.viewer.sees_risk))


class Hub:
    """The open streams of this process. position: the last transaction that they were sent."""

    def __init__(self) -> None:
        self.position = 0
        self._everything: set[Stream] = set()
        self._own: defaultdict[UUID, set[Stream]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._everything) + sum(map(len, self._own.values()))

    @property
    def streams(self) -> list[Stream]:
        return [*self._everything, *(each for own in self._own.values() for each in own)]

    def join(self, stream: Stream) -> None:
        """Send it everything after `position`."""
        STREAMS.labels("opened").inc()
        if stream.viewer.sees_all:
            self._everything.add(stream)
        elif stream.viewer.user_id is not None:
            self._own[stream.viewer.user_id].add(stream)

    def leave(self, stream: Stream) -> None:
        """The stream ends, whether it has joined or not."""
        user_id = stream.viewer.user_id
        own = self._own.get(user_id, set()) if user_id is not None else set()
        if stream not in self._everything and stream not in own:
            return
        STREAMS.labels("ended").inc()
        self._everything.discard(stream)
        own.discard(stream)
        if user_id is not None and not own:
            self._own.pop(user_id, None)

    def publish(self, transactions: Iterable[Transaction]) -> None:
        """Send transactions in their order; those up to `position` have been sent."""
        new = [each for each in transactions if each.id > self.position]
        if not new:
            return
        self.position = new[-1].id
        encoded: dict[tuple[Form, bool], bytes] = {}
        for stream in list(self._everything):
            kind = (stream.form, stream.viewer.sees_risk)
            if kind not in encoded:
                encoded[kind] = stream.form.encode(new, stream.viewer.sees_risk)
            stream.connection.push(encoded[kind])
        TRANSACTIONS.inc(len(new) * len(self._everything))
        if self._own:
            by_user: defaultdict[UUID, list[Transaction]] = defaultdict(list)
            for each in new:
                for user_id in each.parties & self._own.keys():
                    by_user[user_id].append(each)
            for user_id, own in by_user.items():
                for stream in list(self._own[user_id]):
                    stream.send(own)

    def beat(self) -> None:
        """Send a heartbeat to the streams whose server sends none."""
        for stream in self.streams:
            if stream.form.heartbeat:
                stream.connection.push(stream.form.heartbeat)


def text_frame(payload: bytes) -> bytes:
    """A text message over a WebSocket, from the server."""
    size = len(payload)
    if size <= _SHORT:
        return bytes((_TEXT, size)) + payload
    if size <= _MEDIUM:
        return struct.pack("!BBH", _TEXT, 126, size) + payload
    return struct.pack("!BBQ", _TEXT, 127, size) + payload


def chunk(data: bytes) -> bytes:
    """A part of a response whose length is not known (RFC 9112, section 7.1)."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def _as_messages(transactions: Sequence[Transaction], with_risk: bool) -> bytes:
    return b"".join(
        text_frame(b'{"type":"transaction","data":' + each.json(with_risk=with_risk) + b"}")
        for each in transactions
    )


def _as_events(transactions: Sequence[Transaction], with_risk: bool) -> bytes:
    return chunk(
        b"".join(
            b"id: %d\nevent: transaction\ndata: %s\n\n" % (each.id, each.json(with_risk=with_risk))
            for each in transactions
        )
    )


#: uvicorn sends pings itself.
WEB_SOCKET: Final = Form(_as_messages, b"")
SERVER_SENT_EVENTS: Final = Form(_as_events, chunk(b":\n\n"))
