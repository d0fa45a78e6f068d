"""Side effects that may fail without changing the outcome of what they follow.

Once a transaction has committed, its caller must hear that, whatever happens to a log, a metric, a
cache or a queue.
"""

from collections.abc import Callable

import structlog

_log = structlog.get_logger()


def attempt(effect: Callable[[], object]) -> None:
    """Call `effect`, and log its error if it fails."""
    try:
        effect()
    except Exception:
        _log.warning("side effect failed", exc_info=True)
