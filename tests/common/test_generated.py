"""Generated sections of documents."""

import pytest

from app.common.generated import replace_generated

TEXT = """# Title
<!-- begin generated tables: ./flow tables --write -->
stale
<!-- end generated tables -->
<!-- begin generated lists -->
kept
<!-- end generated lists -->
The end
"""


def test_only_the_named_section_is_replaced() -> None:
    assert replace_generated(TEXT, "tables", "new\n") == TEXT.replace("stale", "new")
    assert replace_generated(TEXT, "lists", "") == TEXT.replace("kept\n", "")


def test_the_content_is_inserted_literally() -> None:
    assert r"\1 \n" in replace_generated(TEXT, "tables", "\\1 \\n\n")


def test_markers_may_be_comments_of_another_language() -> None:
    text = "A=1\n## begin generated settings\nB=2\n## end generated settings\n"

    assert replace_generated(text, "settings", "B=3\n") == text.replace("B=2", "B=3")


@pytest.mark.parametrize("text", ["", "<!-- begin generated tables -->\n", TEXT + TEXT])
def test_a_missing_or_repeated_section_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="tables"):
        replace_generated(text, "tables", "new\n")
