"""The limit of open files."""

import resource

import pytest

from app.common import open_files

ANY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "needed", "raised", "allowed"),
    [
        (1024, 4096, 2000, 2000, 2000),
        (1024, 4096, 9000, 4096, 4096),
        (1024, ANY, 9000, 9000, 9000),
        (1024, 4096, 1000, None, 1000),
        (4096, 4096, 9000, 4096, 4096),
        (ANY, ANY, 9000, None, 9000),
    ],
)
def test_the_limit_is_raised_as_far_as_needed_and_possible(
    monkeypatch: pytest.MonkeyPatch,
    soft: int,
    hard: int,
    needed: int,
    raised: int | None,
    allowed: int,
) -> None:
    requested: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: requested.append(limits))

    assert open_files.raise_limit(needed) == allowed
    assert requested == ([] if raised is None else [(raised, hard)])
