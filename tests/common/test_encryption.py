"""What is stored encrypted, and read again."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.common import encryption, http
from app.common.encryption import DecryptionFailed, decrypt, encrypt, fingerprints


@pytest.fixture(autouse=True)
def keys(worker_app: Flask) -> Iterator[None]:
    encryption.configure(["a" * 32])
    yield
    encryption.configure(http.settings().encryption_secrets)


def test_what_was_sealed_is_read_again() -> None:
    assert decrypt(encrypt(b"12-3456", context="account/1"), context="account/1") == b"12-3456"


def test_it_does_not_show_and_is_never_the_same() -> None:
    first, second = (encrypt(b"12-3456", context="account/1") for _ in range(2))
    assert b"3456" not in first
    assert first != second


def test_it_opens_only_where_it_belongs() -> None:
    with pytest.raises(DecryptionFailed):
        decrypt(encrypt(b"12-3456", context="account/1"), context="account/2")


@pytest.mark.parametrize("place", [0, 4, 16, -1])
def test_a_changed_byte_is_noticed(place: int) -> None:
    sealed = bytearray(encrypt(b"12-3456", context="account/1"))
    sealed[place] ^= 1
    with pytest.raises(DecryptionFailed):
        decrypt(bytes(sealed), context="account/1")


def test_after_a_rotation_the_old_key_opens_what_it_sealed_and_the_new_one_seals() -> None:
    old = encrypt(b"12-3456", context="account/1")
    encryption.configure(["b" * 32, "a" * 32])
    new = encrypt(b"12-3456", context="account/1")

    assert decrypt(old, context="account/1") == b"12-3456"
    encryption.configure(["b" * 32])
    assert decrypt(new, context="account/1") == b"12-3456"
    with pytest.raises(DecryptionFailed, match="ENCRYPTION_KEYS"):
        decrypt(old, context="account/1")


class TestFingerprints:
    def test_the_same_has_the_same_and_shows_nothing_of_it(self) -> None:
        first, again = (fingerprints(b"12-3456", context="accounts/1") for _ in range(2))
        assert first == again
        assert len(first[0]) == 32
        assert b"3456" not in first[0]

    @pytest.mark.parametrize(
        ("plaintext", "context"),
        [(b"12-3457", "accounts/1"), (b"12-3456", "accounts/2"), (b"12-3456", "accounts/")],
    )
    def test_another_value_or_owner_has_another(self, plaintext: bytes, context: str) -> None:
        other = fingerprints(plaintext, context=context)
        assert other != fingerprints(b"12-3456", context="accounts/1")

    def test_after_a_rotation_the_old_one_is_among_those_to_look_for(self) -> None:
        (old,) = fingerprints(b"12-3456", context="accounts/1")
        encryption.configure(["b" * 32, "a" * 32])
        new, *others = fingerprints(b"12-3456", context="accounts/1")
        assert new != old
        assert others == [old]
