"""What several lists of administrators share."""

from app.common.fields import Id


def id_filter(description: str) -> Id:
    """A query parameter: only rows with this ID."""
    return Id(metadata={"description": description})
