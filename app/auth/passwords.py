"""Passwords: the rules for new ones, and hashing with limited concurrency."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import bcrypt
from zxcvbn_rs_py import zxcvbn

from app.auth.errors import PasswordRefused
from app.common.errors import Unavailable

T = TypeVar("T")

MIN_BYTES: Final = 8
#: bcrypt ignores further bytes (https://www.usenix.org/legacy/events/usenix99/provos/provos.pdf).
MAX_BYTES: Final = 72

#: Minimum number of guesses to find a password, as zxcvbn estimates.
_COMMON_GUESSES: Final = 10_000
#: A well-formed hash without a known password, for users who do not exist.
_DUMMY_HASH: Final = "$2b${:02}$" + "C6UzMDM.H6dfI/f/IKxGhu" + "x" * 31
_MAX_WAITING: Final = 32
_MAX_WAIT_SECONDS: Final = 15


def _lower_priority() -> None:
    os.nice(10)  # on Linux, the priority of this thread only


#: One thread per process, at low priority, so that sign-ins do not slow purchases down.
_hasher: Final = ThreadPoolExecutor(1, thread_name_prefix="bcrypt", initializer=_lower_priority)
_slots: Final = threading.BoundedSemaphore(_MAX_WAITING)


def require_acceptable(password: str, *, field: str = "password") -> None:
    """Refuse passwords that are too short, too long for bcrypt, or among the most common.

    Raises PasswordRefused. Source of the rules: NIST SP 800-63B, section 5.1.1.2; the estimate:
    https://www.usenix.org/conference/usenixsecurity16/technical-sessions/presentation/wheeler
    """
    size = len(password.encode())
    if size < MIN_BYTES:
        raise PasswordRefused(f"Must be at least {MIN_BYTES} characters long.", field=field)
    if size > MAX_BYTES:
        raise PasswordRefused(f"Must be at most {MAX_BYTES} bytes of UTF-8.", field=field)
    if zxcvbn(password).guesses < _COMMON_GUESSES:
        raise PasswordRefused("Too common, or too easy to guess.", field=field)


def hash_password(password: str, *, rounds: int) -> str:
    """The bcrypt hash. Never call this inside a transaction: it takes about 250 ms."""
    return _queued(lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode())


def matches(password: str, password_hash: str | None, *, rounds: int) -> bool:
    """Whether `password` matches the hash. Takes the same time when there is no hash."""
    secret = password.encode()[: MAX_BYTES + 1]
    known = (password_hash or _DUMMY_HASH.format(rounds)).encode()
    # A longer password cannot match, but must take the same time to refuse.
    is_equal = _queued(lambda: bcrypt.checkpw(secret[:MAX_BYTES], known))
    return is_equal and password_hash is not None and len(secret) <= MAX_BYTES


def _queued(work: Callable[[], T]) -> T:
    if not _slots.acquire(blocking=False):
        raise Unavailable(retry_after=2)
    try:
        return _hasher.submit(work).result(timeout=_MAX_WAIT_SECONDS)
    except TimeoutError as error:
        raise Unavailable(retry_after=5) from error
    finally:
        _slots.release()
