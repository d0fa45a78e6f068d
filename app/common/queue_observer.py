"""Who is told what happens in a queue of this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Observer:
    """Callbacks for events of a queue. Their errors are logged and change no outcome.

    batch: called for each batch with the seconds that each request waited before it started;
    refused: called when a request is rejected, because the queue was "full" or the "deadline"
    had passed.
    """

    batch: Callable[[Sequence[float]], None] = lambda waits: None
    refused: Callable[[str], None] = lambda reason: None


#: Is told, and does nothing.
NOBODY: Final = Observer()
