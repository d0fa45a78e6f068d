"""What the person who runs the lab is told."""


class LabError(Exception):
    """The lab cannot go on; the message is one sentence for a person."""
