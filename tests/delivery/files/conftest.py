"""The files in the storage of the tests."""

from collections.abc import Callable

import pytest

from app.common.settings import Settings


@pytest.fixture
def stored_files(settings: Settings) -> Callable[[], dict[str, bytes]]:
    """Call it for the contents of the storage by hash. Staged content has an empty hash."""

    def read() -> dict[str, bytes]:
        files = [path for path in settings.files_folder.rglob("*") if path.is_file()]
        return {path.name.partition(".")[0]: path.read_bytes() for path in files}

    return read
