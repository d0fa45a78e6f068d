"""Which channels a kind of notification uses: by default, and as users have chosen."""

from collections.abc import Mapping
from typing import Final

from app.notifications.models import Channel, Kind

#: What a user has chosen, by kind and channel.
Choices = Mapping[tuple[str, str], bool]

#: Nobody can switch these off: they tell owners of an account what somebody else may have done.
REQUIRED: Final = frozenset({(Kind.SECURITY, Channel.IN_APP), (Kind.SECURITY, Channel.EMAIL)})

_DEFAULTS: Final = {Channel.IN_APP: True, Channel.EMAIL: True, Channel.SMS: False}


def is_enabled(choices: Choices, kind: Kind, channel: Channel) -> bool:
    """Whether a user receives notifications of a kind through a channel."""
    if (kind, channel) in REQUIRED:
        return True
    return choices.get((kind, channel), _DEFAULTS[channel])
