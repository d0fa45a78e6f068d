"""What a command that takes long shows of its steps."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape

#: A step that takes longer shows for how long it has been running.
_LONG_SECONDS: Final = 10


class Progress:
    """Shows the current step of the start: in one line of a terminal, else a line for each."""

    def __init__(self, update: Callable[[str], None], *, rewrites: bool) -> None:
        self._update = update
        self._rewrites = rewrites
        self._step = ""
        self._started_at = self._shown_at = 0.0

    def show(self, step: str) -> None:
        """A new step begins."""
        self._step = step
        self._started_at = self._shown_at = time.monotonic()
        self._update(f"{step} …")

    def detail(self, text: str = "") -> None:
        """The step goes on. text: what it does now."""
        now = time.monotonic()
        if now - self._shown_at > (1 if self._rewrites else _LONG_SECONDS):
            self._shown_at = now
            seconds = f"{now - self._started_at:.0f} s"
            self._update(f"{self._step} … ({seconds})" + (f" {text}" if text else ""))


@contextmanager
def shown_progress(*, report: Callable[[str], None], quiet: bool) -> Iterator[Progress]:
    """Show the steps on standard error, where they are not mixed with the result.

    report: writes a line there.
    """
    console = Console(stderr=True)
    if quiet:
        yield Progress(lambda _: None, rewrites=False)
    elif console.is_terminal:
        with console.status("Starting …") as status:
            yield Progress(lambda text: status.update(escape(text)), rewrites=True)
    else:
        yield Progress(report, rewrites=False)
