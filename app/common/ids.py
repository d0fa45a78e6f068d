"""Identifiers of rows."""

from uuid import UUID


def parse_id(text: object) -> UUID | None:
    """The UUID that `text` is in the one spelling that we send out, or None.

    Other systems repeat our ids to us. Accepting further spellings would let one id arrive as
    several references.
    """
    if not isinstance(text, str):
        return None
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
