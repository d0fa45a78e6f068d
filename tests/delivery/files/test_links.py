"""The signed link of a download."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.common import clock, encryption
from app.delivery.files import links
from app.delivery.files.errors import LinkExpired, LinkInvalid
from app.delivery.files.links import Link

OLD, NEW = "an old key of enough characters.", "a new key of enough characters.."


@pytest.fixture(autouse=True)
def keys(configure: Callable[..., None]) -> None:
    configure(encryption._keys, None)  # put back after the test
    encryption.configure([OLD])


def a_link(minutes: int = 60) -> Link:
    until = (clock.now() + timedelta(minutes=minutes)).replace(microsecond=0)
    return Link(uuid4(), uuid4(), until)


def test_a_link_says_what_it_was_made_for() -> None:
    link = a_link()
    token = links.token_of(link)

    assert links.read(token) == link
    assert token.isascii()
    assert "=" not in token


def test_two_links_to_the_same_are_two() -> None:
    link = a_link()

    assert links.token_of(link) != links.token_of(replace(link, id=uuid4()))


def test_no_other_text_is_a_link() -> None:
    token = links.token_of(a_link())
    for place in range(len(token)):
        other = "B" if token[place] == "A" else "A"
        with pytest.raises(LinkInvalid):
            links.read(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", "x", "A" * 116, "A" * 117, "=" * 116, "é" * 116])
def test_nonsense_is_no_link(token: str) -> None:
    with pytest.raises(LinkInvalid):
        links.read(token)


def test_it_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    link = a_link()
    token = links.token_of(link)
    monkeypatch.setattr(clock, "now", lambda: link.expires_at - timedelta(milliseconds=1))
    assert links.read(token) == link
    monkeypatch.setattr(clock, "now", lambda: link.expires_at)
    with pytest.raises(LinkExpired):
        links.read(token)


def test_who_forges_one_does_not_learn_whether_it_had_expired() -> None:
    said = links.token_of(Link(uuid4(), uuid4(), datetime(2020, 1, 1, tzinfo=UTC)))
    with pytest.raises(LinkInvalid):
        links.read(said[:-1] + ("A" if said[-1] != "A" else "B"))


def test_a_key_is_changed_without_a_pause() -> None:
    old = links.token_of(a_link())
    encryption.configure([NEW, OLD])
    new = links.token_of(a_link())

    links.read(old)
    links.read(new)
    encryption.configure([NEW])
    links.read(new)
    with pytest.raises(LinkInvalid):
        links.read(old)


def test_another_use_of_the_same_key_makes_no_link() -> None:
    token = links.token_of(a_link())
    encryption.configure([NEW])
    forged = links.token_of(a_link())
    encryption.configure([OLD])
    assert len(token) == len(forged)
    with pytest.raises(LinkInvalid):
        links.read(forged)
