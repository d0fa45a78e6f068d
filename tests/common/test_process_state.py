"""The state of the process: slots, hooks and handlers."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.common import process_state
from app.common.process_state import DECLARED, Handlers, Hook, Slot


@pytest.fixture(autouse=True)
def declarations_are_restored() -> Iterator[None]:
    """Remove what a test declares."""
    before = set(DECLARED)
    yield
    for name in set(DECLARED) - before:
        del DECLARED[name]
        process_state._values.pop(name, None)


class TestSlot:
    def test_a_slot_has_the_value_configured_last(self) -> None:
        slot: Slot[int] = Slot("answer")
        assert slot.configure(41) == 41
        slot.configure(42)
        assert slot() == 42

    def test_without_a_value_the_error_names_who_configures_it(self) -> None:
        slot: Slot[int] = Slot("answer")
        with pytest.raises(RuntimeError, match=r"No answer is configured: app\.wiring does that"):
            slot()

    def test_a_default_may_be_none(self) -> None:
        assert Slot("answer", default=None)() is None

    def test_a_name_cannot_be_declared_twice(self) -> None:
        Slot("answer", default=1)
        with pytest.raises(RuntimeError, match="declared twice: answer"):
            Slot("answer", default=2)


def test_a_hook_calls_its_subscribers_in_order() -> None:
    hook: Hook[[int]] = Hook("arrival")
    calls: list[tuple[str, int]] = []
    hook.subscribe(lambda number: calls.append(("first", number)))
    hook.subscribe(lambda number: calls.append(("second", number)))
    hook(7)
    assert calls == [("first", 7), ("second", 7)]


def test_each_key_has_one_handler() -> None:
    handlers: Handlers[str, int] = Handlers("numbers")
    handlers.subscribe("one", 0)
    handlers.subscribe("one", 1)
    assert (handlers["one"], handlers.get("two"), list(handlers)) == (1, None, ["one"])


def test_every_declaration_is_wired(app: Flask) -> None:
    of_live = {"live policy"}  # another process, whose modules tests import
    missing = [
        name
        for name, declared in DECLARED.items()
        if name not in of_live
        and not process_state._values.get(name, ())
        and not (isinstance(declared, Slot) and declared.is_configured)
    ]
    assert missing == []
