"""Jobs of the retention."""

from app.retention import service


def prune() -> int:
    """Delete rows that are older than their retention. Returns their number. Safe to run twice."""
    return service.prune()
