"""The storage of the tests."""

from collections.abc import Callable

import pytest

from app.common.settings import Settings


@pytest.fixture
def kept(settings: Settings) -> Callable[[], dict[str, bytes]]:
    """What is in the storage, by the hash in its name; drafts by nothing."""

    def look() -> dict[str, bytes]:
        files = [path for path in settings.files_folder.rglob("*") if path.is_file()]
        return {path.name.partition(".")[0]: path.read_bytes() for path in files}

    return look
