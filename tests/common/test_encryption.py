"""Encryption of stored values, and their fingerprints."""

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


def test_a_ciphertext_can_be_decrypted() -> None:
    assert decrypt(encrypt(b"12-3456", context="account/1"), context="account/1") == b"12-3456"


def test_a_ciphertext_is_unique_and_does_not_contain_the_plaintext() -> None:
    first, second = (encrypt(b"12-3456", context="account/1") for _ in range(2))
    assert b"3456" not in first
    assert first != second


def test_a_ciphertext_can_only_be_decrypted_in_its_context() -> None:
    with pytest.raises(DecryptionFailed):
        decrypt(encrypt(b"12-3456", context="account/1"), context="account/2")


@pytest.mark.parametrize("place", [0, 4, 16, -1])
def test_a_changed_byte_is_detected(place: int) -> None:
    ciphertext = bytearray(encrypt(b"12-3456", context="account/1"))
    ciphertext[place] ^= 1
    with pytest.raises(DecryptionFailed):
        decrypt(bytes(ciphertext), context="account/1")


def test_after_a_rotation_old_ciphertexts_use_the_old_key_and_new_ones_the_new_key() -> None:
    old = encrypt(b"12-3456", context="account/1")
    encryption.configure(["b" * 32, "a" * 32])
    new = encrypt(b"12-3456", context="account/1")

    assert decrypt(old, context="account/1") == b"12-3456"
    encryption.configure(["b" * 32])
    assert decrypt(new, context="account/1") == b"12-3456"
    with pytest.raises(DecryptionFailed, match="ENCRYPTION_KEYS"):
        decrypt(old, context="account/1")


class TestFingerprints:
    def test_equal_values_have_equal_fingerprints_that_do_not_contain_them(self) -> None:
        first, again = (fingerprints(b"12-3456", context="accounts/1") for _ in range(2))
        assert first == again
        assert len(first[0]) == 32
        assert b"3456" not in first[0]

    @pytest.mark.parametrize(
        ("plaintext", "context"),
        [(b"12-3457", "accounts/1"), (b"12-3456", "accounts/2"), (b"12-3456", "accounts/")],
    )
    def test_another_value_or_context_has_another_fingerprint(
        self, plaintext: bytes, context: str
    ) -> None:
        other = fingerprints(plaintext, context=context)
        assert other != fingerprints(b"12-3456", context="accounts/1")

    def test_after_a_rotation_the_old_fingerprint_is_included(self) -> None:
        (old,) = fingerprints(b"12-3456", context="accounts/1")
        encryption.configure(["b" * 32, "a" * 32])
        new, *others = fingerprints(b"12-3456", context="accounts/1")
        assert new != old
        assert others == [old]
