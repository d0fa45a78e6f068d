"""HTTP of stream tickets."""

from app.auth.guard import current_user, identity, requires
from app.auth.stream_tickets import service as stream_tickets
from app.auth.stream_tickets.schemas import StreamTicketOut
from app.common.db import reading
from app.common.http import Blueprint
from app.common.ratelimit import per_caller

blp = Blueprint(
    "stream-tickets", __name__, url_prefix="/auth/stream-tickets", description="Stream tickets"
)


@blp.post("")
@requires(blp)
@blp.response(201, StreamTicketOut)
@per_caller("60/minute;600/hour")
def create_stream_ticket() -> stream_tickets.Ticket:
    """Create a ticket for a stream

    A browser opens a stream of the live process with `?ticket=…`, because it cannot send an access
    token there. A ticket is valid once, for 30 seconds; the stream stays open as long as the
    session.
    """
    with reading() as session:
        current_user(session)
    return stream_tickets.create(identity())
