"""What a simulator does besides answering requests."""

from abc import ABC, abstractmethod


class Background(ABC):
    """Runs from `start` to `stop`."""

    @abstractmethod
    def start(self) -> None:
        """Begin, in a thread of its own."""

    @abstractmethod
    def stop(self) -> None:
        """Finish what has begun, and end."""

    @abstractmethod
    def wake(self) -> None:
        """Look for new work immediately."""
