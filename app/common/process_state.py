"""Process state: the one place for values that live as long as the process.

A module that needs a connection, rules from the settings or a function of a module above it
declares a `Slot` or a `Hook` at import. `app.wiring` fills them when the process starts: it
configures the slots and subscribes to the hooks. No module has mutable global state.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
Key = TypeVar("Key")

#: Every slot and hook of this process, by name.
DECLARED: Final[dict[str, "Slot[Any] | Hook[Any] | Handlers[Any, Any]"]] = {}
_values: Final[dict[str, Any]] = {}
_UNSET: Final[Any] = object()


class Slot(Generic[T]):
    """One value of this process. Call it for the value.

    name: unique, used in messages; default: the value until another one is configured.
    """

    def __init__(self, name: str, *, default: T = _UNSET) -> None:
        self.name = name
        _declare(name, self)
        if default is not _UNSET:
            _values[name] = default

    def configure(self, value: T) -> T:
        """Set the value of this process."""
        _values[self.name] = value
        return value

    @property
    def is_configured(self) -> bool:
        return self.name in _values

    def __call__(self) -> T:
        """The value. Raises RuntimeError when nothing was configured."""
        try:
            return _values[self.name]  # type: ignore[no-any-return]
        except KeyError:
            raise RuntimeError(f"No {self.name} is configured: app.wiring does that.") from None


class Hook(Generic[P]):
    """An event of one module that modules above it can handle."""

    def __init__(self, name: str) -> None:
        self.name = name
        _declare(name, self)
        _values[name] = []

    def subscribe(self, handler: Callable[P, object]) -> None:
        """Call `handler` for every event."""
        _values[self.name].append(handler)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every handler, in the order of subscription."""
        for handler in _values[self.name]:
            handler(*args, **kwargs)


class Handlers(Generic[Key, T]):
    """One handler per key, such as a payment method."""

    def __init__(self, name: str) -> None:
        self.name = name
        _declare(name, self)
        _values[name] = {}

    def subscribe(self, key: Key, handler: T) -> None:
        """Set the handler of `key`."""
        _values[self.name][key] = handler

    def get(self, key: Key) -> T | None:
        return _values[self.name].get(key)  # type: ignore[no-any-return]

    def __getitem__(self, key: Key) -> T:
        return _values[self.name][key]  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Key]:
        return iter(_values[self.name])


def clear_subscriptions() -> None:
    """Remove all subscriptions, before they are made again."""
    for name, declared in DECLARED.items():
        if not isinstance(declared, Slot):
            _values[name] = type(_values[name])()


def _declare(name: str, declared: "Slot[Any] | Hook[Any] | Handlers[Any, Any]") -> None:
    if name in DECLARED:
        raise RuntimeError(f"Process state is declared twice: {name}")
    DECLARED[name] = declared
