"""Parts of documents that are generated from the code."""

import re


def replace_generated(text: str, name: str, body: str) -> str:
    """Return `text` with `body` between the lines `begin generated <name>` and `end generated …`.

    Both marker lines stay. Raises ValueError unless there is exactly one such pair.
    """
    marked = re.compile(
        rf"(^[^\n]*\bbegin generated {name}\b[^\n]*\n).*?(^[^\n]*\bend generated {name}\b)",
        re.MULTILINE | re.DOTALL,
    )
    replaced, pairs = marked.subn(lambda markers: markers[1] + body + markers[2], text)
    if pairs != 1:
        raise ValueError(f"{pairs} parts are marked as generated {name}")
    return replaced
