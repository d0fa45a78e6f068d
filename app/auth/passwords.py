"""Passwords: the rules for new ones, and hashing in a fair queue."""

import os
import unicodedata
from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

import bcrypt
from zxcvbn_rs_py import zxcvbn

from app.auth.errors import PasswordRefused
from app.common import metrics
from app.common.fair_executor import FairExecutor, Turn
from app.common.settings import PRODUCT_NAME

MIN_BYTES: Final = 8
#: bcrypt ignores further bytes (https://www.usenix.org/legacy/events/usenix99/provos/provos.pdf).
MAX_BYTES: Final = 72

#: Minimum number of guesses to find a password, as zxcvbn estimates.
_COMMON_GUESSES: Final = 10_000
#: A well-formed hash without a known password, for users who do not exist.
_DUMMY_HASH: Final = "$2b${:02}$" + "C6UzMDM.H6dfI/f/IKxGhu" + "x" * 31
_MAX_WAITING: Final = 24
_MAX_WAIT_SECONDS: Final = 14.0


def _lower_priority() -> None:
    os.nice(10)  # on Linux, the priority of this thread only


#: One thread per process, at low priority, so that sign-ins do not slow purchases down.
_hasher: Final = FairExecutor(
    "bcrypt",
    capacity=_MAX_WAITING,
    max_seconds=_MAX_WAIT_SECONDS,
    initializer=_lower_priority,
    observer=metrics.queue_observer("password_hash", of="password hashes"),
)


def normalize(password: str) -> str:
    """The form that is hashed: NFC, so that a password can be typed on any keyboard.

    Source: NIST SP 800-63B, section 5.1.1.2. (It prefers NFKC, which makes different characters
    equal and so is not compatible with the hashes of earlier versions.)
    """
    return unicodedata.normalize("NFC", password)


def require_acceptable(
    password: str, *, names: Iterable[str | None] = (), field: str = "password"
) -> None:
    """Refuse passwords that are too short, too long for bcrypt, among the most common, or a name.

    names: email address and phone number of the account. Raises PasswordRefused.
    Source of the rules: NIST SP 800-63B, section 5.1.1.2; the estimate:
    https://www.usenix.org/conference/usenixsecurity16/technical-sessions/presentation/wheeler
    """
    password = normalize(password)
    size = len(password.encode())
    if size < MIN_BYTES:
        raise PasswordRefused(f"Must be at least {MIN_BYTES} characters long.", field=field)
    if size > MAX_BYTES:
        raise PasswordRefused(f"Must be at most {MAX_BYTES} bytes of UTF-8.", field=field)
    words = [part for name in names if name for part in (name, name.partition("@")[0])]
    if _is_name(password, words):
        raise PasswordRefused(
            "Must not be your email address, your phone number or the name of this service.",
            field=field,
        )
    if zxcvbn(password, [PRODUCT_NAME, *words]).guesses < _COMMON_GUESSES:
        raise PasswordRefused("Too common, or too easy to guess.", field=field)


def _is_name(password: str, words: Iterable[str]) -> bool:
    """Whether the password is one of the words or the product's name, but for punctuation.

    The name with a number, such as of a year, is refused as well.
    """
    plain = _letters_and_digits(password)
    if plain.strip("0123456789") == _letters_and_digits(PRODUCT_NAME):
        return True
    return plain in {_letters_and_digits(word) for word in words} - {""}


def _letters_and_digits(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", text).casefold()))


def hash_password(password: str, *, rounds: int, turn: Turn) -> str:
    """The bcrypt hash. Never call this inside a transaction: it takes about 250 ms.

    turn: of the caller in the queue. Raises Unavailable when it is full.
    """
    secret = normalize(password).encode()
    return _hasher.run(lambda: bcrypt.hashpw(secret, bcrypt.gensalt(rounds)).decode(), turn=turn)


class Verdict(Enum):
    """Whether a password matches a stored hash."""

    WRONG = auto()
    CORRECT = auto()
    #: Correct, but hashed at another cost or from another form: it should be hashed anew.
    OUTDATED = auto()


def verify(
    password: str, password_hash: str | None, *, rounds: int, max_cost: int, turn: Turn
) -> Verdict:
    """Compare a password with the stored hash; None if there is no such account.

    rounds: cost of new hashes; max_cost: highest cost of a stored hash. The time depends on these
    and on the password only, neither on the hash nor on whether there is one. turn: of the caller
    in the queue. Raises Unavailable when it is full.
    """
    known = password_hash or _DUMMY_HASH.format(rounds)
    target = max(rounds, max_cost)
    normalized = normalize(password)
    # Earlier versions hashed passwords as they were typed.
    forms = [normalized] if password == normalized else [normalized, password]
    are_equal = _hasher.run(
        lambda: [_compare(form, known, target=target) for form in forms], turn=turn
    )
    if password_hash is None or not any(are_equal):
        return Verdict.WRONG
    return Verdict.CORRECT if are_equal[0] and _cost(known) == rounds else Verdict.OUTDATED


def _compare(password: str, known_hash: str, *, target: int) -> bool:
    """Whether they match, with the work of a hash of cost `target`.

    Each step of the cost doubles the work, so a hash of cost 10 and dummies of costs 10 and 11
    take as long as one of cost 12.
    """
    secret = password.encode()
    # A longer password cannot match, but must take the same time to refuse.
    is_equal = bcrypt.checkpw(secret[:MAX_BYTES], known_hash.encode())
    for cost in range(_cost(known_hash), target):
        bcrypt.checkpw(secret[:MAX_BYTES], _DUMMY_HASH.format(cost).encode())
    return is_equal and len(secret) <= MAX_BYTES


def _cost(password_hash: str) -> int:
    return int(password_hash.split("$")[2])
