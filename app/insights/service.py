"""What is known about transactions and requests while they happen."""

from app.insights.transactions.service import list_after, list_latest

__all__ = ["list_after", "list_latest"]
