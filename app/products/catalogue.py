"""The cached pages of the catalogue."""

from collections.abc import Callable
from typing import Final

from sqlalchemy.orm import Session

from app.common import db
from app.common.cache import Region
from app.common.process_state import Slot

#: Cached pages of the catalogue, if the process has a cache.
catalogue_cache: Final[Slot[Region | None]] = Slot("catalogue cache", default=None)


def cached_catalogue_page(key: str, build: Callable[[], bytes]) -> bytes:
    """A page of the catalogue from the cache, or from `build`."""
    cached = catalogue_cache()
    return build() if cached is None else cached.fetch(key, build)


def invalidate_catalogue(session: Session) -> None:
    """Invalidate the cached catalogue when this transaction is committed."""
    if (cached := catalogue_cache()) is not None:
        db.after_commit(session, cached.invalidate)
