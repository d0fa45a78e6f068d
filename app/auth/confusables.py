"""Email addresses that look like another one.

A letter belongs to the script that its Unicode name begins with. Those names never change, and only
the scripts that people write today are allowed, so an unknown letter is refused rather than
overlooked. The rules are stricter than "highly restrictive" of UTS #39, because money is sent to
what is read:

1. The part before the @, and each label of the domain, has letters of one script. Those of East
   Asia are written together, without Latin ones.
2. Latin letters are A to Z, with the accents that have a character of their own, and the letters of
   European alphabets that are no variants of these. Other signs are ASCII.
3. A part in Cyrillic, Greek or Armenian has a letter that no Latin one looks like.
"""

import re
import unicodedata
from typing import Final

#: Why an address is refused.
CONFUSABLE: Final = "Has letters of several alphabets, or letters that look like others."

_LATIN: Final = "LATIN"
#: The scripts of UAX #31, table 5, by how the names of their letters begin.
_SCRIPTS: Final = frozenset(
    {
        *("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "HEBREW", "ARABIC", "THAANA"),
        *("ETHIOPIC", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU"),
        *("KANNADA", "MALAYALAM", "SINHALA", "THAI", "LAO", "TIBETAN", "MYANMAR", "KHMER"),
        *("HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL", "CJK"),
    }
)
#: What is written together.
_TOGETHER: Final = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"CJK", "HANGUL"}),
    frozenset({"CJK", "BOPOMOFO"}),
)
#: Latin letters that are not A to Z with accents, and look like none of these.
_OTHER_LATIN: Final = frozenset("ßæÆœŒøØðÐđĐþÞłŁħĦŋŊ")
#: Letters that look like a Latin one, in common typefaces and in either case.
_LIKE_LATIN: Final = {
    "CYRILLIC": frozenset("асԁеһіјӏорԛѕԝхуѵѡгпкьүһҽАВЕЅІЈКМНОРСТХУԌԚԜѴѠҮҺЗЬ"),
    "GREEK": frozenset("αγεηικνορτυχωϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳ"),
    "ARMENIAN": frozenset("օոսհցզքյգռվՕՍԼՏ"),
}
_ALPHABET: Final = re.compile("[A-Za-z]")
_ASCII: Final = re.compile("[\x00-\x7f]*")


def is_confusable(email: str) -> bool:
    """Whether a normalized email address may be taken for another one."""
    if _ASCII.fullmatch(email):
        return False
    local_part, _, domain = email.rpartition("@")
    return any(map(_is_confusable, (local_part, *domain.split("."))))


def _is_confusable(part: str) -> bool:
    others = [sign for sign in part if not sign.isascii() or sign.isalpha()]
    scripts = {_script(sign) for sign in others}
    if not scripts <= _SCRIPTS:
        return True
    if len(scripts) > 1 and not any(scripts <= group for group in _TOGETHER):
        return True
    bases = [unicodedata.normalize("NFD", sign)[0] for sign in others]
    return any(
        all(base in letters for base in bases)
        for script, letters in _LIKE_LATIN.items()
        if scripts == {script}
    )


def _script(sign: str) -> str | None:
    """The script of a letter or its mark; None for what is not allowed."""
    category = unicodedata.category(sign)
    if category not in ("Lu", "Ll", "Lo", "Lm", "Mn", "Mc"):
        return None
    script = unicodedata.name(sign, "").partition(" ")[0]
    if script == _LATIN and not _is_plain_latin(sign):
        return None
    return script


def _is_plain_latin(sign: str) -> bool:
    return sign in _OTHER_LATIN or bool(_ALPHABET.match(unicodedata.normalize("NFD", sign)))
