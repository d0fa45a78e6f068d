"""Every SQLSTATE, classed once by what it means for the transaction that failed with it.

Source: PostgreSQL 18, appendix A (error codes), and the places in its source that report them.
"""

from enum import Enum
from typing import Final


class Failure(Enum):
    """What a failure means. `text` is its name in logs and documents.

    is_retried: whether another attempt may succeed immediately; is_temporary: whether nothing is
    wrong with the request, so that the caller may repeat it later; outcome_unknown: whether a
    COMMIT that fails so may have been executed; closes_connection: whether the connection must be
    closed, which the server may have left open, so that the next attempt gets another one.
    """

    text: str
    is_retried: bool
    is_temporary: bool
    outcome_unknown: bool
    closes_connection: bool

    #: The connection broke, and the last statement may or may not have been executed.
    LOST = "lost connection", True, True, True, False
    #: The server ended the transaction at a time limit or on request. Another attempt would
    #: take as long, so only the caller repeats it.
    ROLLED_BACK = "definite rollback", False, True, False, False
    #: Another transaction was in the way.
    CONTENTION = "retry", True, True, False, False
    #: The server cannot do it now: starting, full or out of connections.
    BUSY = "busy", True, True, False, True
    #: The server is no longer the primary, so no connection to it is of use any more.
    READ_ONLY = "no longer the primary", True, True, False, True
    #: A mistake in a statement, or data that violates a constraint. The same request fails again.
    DEFECT = "defect", False, False, False, False

    def __init__(
        self,
        text: str,
        is_retried: bool,
        is_temporary: bool,
        outcome_unknown: bool,
        closes_connection: bool,
    ) -> None:
        self.text = text
        self.is_retried = is_retried
        self.is_temporary = is_temporary
        self.outcome_unknown = outcome_unknown
        self.closes_connection = closes_connection


_STATES: Final = {
    # 40001 serialization_failure, 40P01 deadlock_detected, 55P03 lock_not_available
    **dict.fromkeys(("40000", "40001", "40P01", "55006", "55P03"), Failure.CONTENTION),
    # 57014 query_canceled (statement_timeout), 25P03 idle_in_transaction_session_timeout,
    # 25P04 transaction_timeout: the server had not begun to execute a COMMIT.
    **dict.fromkeys(("57014", "25P03", "25P04"), Failure.ROLLED_BACK),
    # 57P03 cannot_connect_now. 58030 io_error, 55P04 and 55P05 do not occur in statements of ours.
    **dict.fromkeys(("57P03", "58030"), Failure.BUSY),
    # read_only_sql_transaction
    "25006": Failure.READ_ONLY,
    # 40003 statement_completion_unknown; 57P01 admin_shutdown, 57P02 crash_shutdown and
    # 57P04 database_dropped can interrupt a COMMIT that is already durable here, while it waits
    # for a standby; 57P05 idle_session_timeout closed the connection between two transactions.
    **dict.fromkeys(("40003", "57P01", "57P02", "57P04", "57P05"), Failure.LOST),
}

#: Classes whose states all mean the same, unless listed above: 08 connection exception,
#: 53 insufficient resources (full disk, out of memory, too many connections).
_CLASSES: Final = {"08": Failure.LOST, "53": Failure.BUSY}


#: A mistake of whoever granted privileges, not of ours.
INSUFFICIENT_PRIVILEGE: Final = "42501"


def failure_of(state: str) -> Failure:
    """What a failure with this SQLSTATE means. DEFECT for every state that is not listed."""
    return _STATES.get(state) or _CLASSES.get(state[:2], Failure.DEFECT)
