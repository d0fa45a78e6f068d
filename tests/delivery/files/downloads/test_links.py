"""Signed download links."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.common import clock, encryption
from app.delivery.files.downloads import links
from app.delivery.files.downloads.links import DownloadLink
from app.delivery.files.errors import LinkExpired, LinkInvalid

OLD, NEW = "an old key of enough characters.", "a new key of enough characters.."


@pytest.fixture(autouse=True)
def keys(configure: Callable[..., None]) -> None:
    configure(encryption._keys, None)  # restored after the test
    encryption.configure([OLD])


def a_link(minutes: int = 60) -> DownloadLink:
    until = (clock.now() + timedelta(minutes=minutes)).replace(microsecond=0)
    return DownloadLink(uuid4(), uuid4(), until)


def test_a_token_contains_its_link() -> None:
    link = a_link()
    token = links.sign(link)

    assert links.verify(token) == link
    assert token.isascii()
    assert "=" not in token


def test_two_links_to_a_file_differ() -> None:
    link = a_link()

    assert links.sign(link) != links.sign(replace(link, id=uuid4()))


def test_any_change_makes_a_token_invalid() -> None:
    token = links.sign(a_link())
    for place in range(len(token)):
        other = "B" if token[place] == "A" else "A"
        with pytest.raises(LinkInvalid):
            links.verify(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", "x", "A" * 116, "A" * 117, "=" * 116, "é" * 116])
def test_an_arbitrary_text_is_invalid(token: str) -> None:
    with pytest.raises(LinkInvalid):
        links.verify(token)


def test_a_link_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    link = a_link()
    token = links.sign(link)
    monkeypatch.setattr(clock, "now", lambda: link.expires_at - timedelta(milliseconds=1))
    assert links.verify(token) == link
    monkeypatch.setattr(clock, "now", lambda: link.expires_at)
    with pytest.raises(LinkExpired):
        links.verify(token)


def test_a_forged_expired_link_is_only_invalid() -> None:
    expired = links.sign(DownloadLink(uuid4(), uuid4(), datetime(2020, 1, 1, tzinfo=UTC)))
    with pytest.raises(LinkInvalid):
        links.verify(expired[:-1] + ("A" if expired[-1] != "A" else "B"))


def test_keys_can_be_rotated() -> None:
    old = links.sign(a_link())
    encryption.configure([NEW, OLD])
    new = links.sign(a_link())

    links.verify(old)
    links.verify(new)
    encryption.configure([NEW])
    links.verify(new)
    with pytest.raises(LinkInvalid):
        links.verify(old)


def test_a_token_of_another_key_is_invalid() -> None:
    token = links.sign(a_link())
    encryption.configure([NEW])
    forged = links.sign(a_link())
    encryption.configure([OLD])
    assert len(token) == len(forged)
    with pytest.raises(LinkInvalid):
        links.verify(forged)
