"""Checks that every download is finished."""

from collections.abc import Iterator

import pytest

from app.delivery.files.downloads import views


@pytest.fixture(autouse=True)
def every_download_is_finished() -> Iterator[None]:
    yield
    assert views._downloads._running == {}
