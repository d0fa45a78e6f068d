"""What is stored encrypted, and read again."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.common import sealing
from app.common.sealing import SealBroken, seal, unseal


@pytest.fixture(autouse=True)
def keys(worker_app: Flask) -> Iterator[None]:
    sealing.configure(["a" * 32])
    yield
    sealing.configure(worker_app.extensions["settings"].sealing_secrets)


def test_what_was_sealed_is_read_again() -> None:
    assert unseal(seal(b"12-3456", context="account/1"), context="account/1") == b"12-3456"


def test_it_does_not_show_and_is_never_the_same() -> None:
    first, second = (seal(b"12-3456", context="account/1") for _ in range(2))
    assert b"3456" not in first
    assert first != second


def test_it_opens_only_where_it_belongs() -> None:
    with pytest.raises(SealBroken):
        unseal(seal(b"12-3456", context="account/1"), context="account/2")


@pytest.mark.parametrize("place", [0, 4, 16, -1])
def test_a_changed_byte_is_noticed(place: int) -> None:
    sealed = bytearray(seal(b"12-3456", context="account/1"))
    sealed[place] ^= 1
    with pytest.raises(SealBroken):
        unseal(bytes(sealed), context="account/1")


def test_after_a_rotation_the_old_key_opens_what_it_sealed_and_the_new_one_seals() -> None:
    old = seal(b"12-3456", context="account/1")
    sealing.configure(["b" * 32, "a" * 32])
    new = seal(b"12-3456", context="account/1")

    assert unseal(old, context="account/1") == b"12-3456"
    sealing.configure(["b" * 32])
    assert unseal(new, context="account/1") == b"12-3456"
    with pytest.raises(SealBroken, match="ENCRYPTION_KEYS"):
        unseal(old, context="account/1")
