# ruff: noqa: RUF001 - the samples look like other letters
"""Lines of any script: their order, their glyphs, and where they are broken."""

import pytest
import uharfbuzz
from bidi import get_display
from hypothesis import given
from hypothesis import strategies as st

from app.common import typesetting
from app.common.typesetting import Glyph, layout, outline, printable, wrapped
from tests.scripts import SAMPLES


def glyphs(line: str) -> list[Glyph]:
    return [glyph for run in layout(line).runs for glyph in run.glyphs]


def shown(line: str) -> str:
    """The text from left to right, letter by letter where it runs from right to left."""
    return "".join(run.text for run in layout(line).runs)


def measure(line: str) -> int:
    return layout(line).width


class TestGlyphs:
    @pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
    def test_every_script_of_today_is_drawn_completely(self, text: str) -> None:
        line = layout(text)

        assert line.complete
        assert all(glyph.id != 0 for glyph in glyphs(text))  # 0 is the empty box of a font
        assert line.width > 0

    @pytest.mark.parametrize("text", ["𓀀", "\U0010fffd", "\u0378", "\ue000", "\uffff"])
    def test_a_character_without_a_glyph_is_a_visible_box(self, text: str) -> None:
        assert not layout(text).complete
        assert outline(layout(text)) == outline(layout(typesetting.SUBSTITUTE)) != ""

    def test_a_mark_that_the_font_of_its_letter_lacks_is_drawn_nevertheless(self) -> None:
        assert layout("क\u0308").complete
        assert outline(layout("क\u0308")) != outline(layout("क"))

    def test_consonants_form_conjuncts_and_vowel_signs_move(self) -> None:
        separate = [*glyphs("क"), *glyphs("ष")]
        assert len(glyphs("क्ष")) == 1
        assert glyphs("क्ष")[0] not in separate
        # In हि the vowel sign, which is typed last, is drawn first.
        consonant = glyphs("ह")[0].id
        assert [glyph.id == consonant for glyph in glyphs("हि")] == [False, True]

    def test_arabic_letters_are_joined(self) -> None:
        alone = glyphs("ب")[0].id
        joined = [glyph.id for glyph in glyphs("ببب")]
        assert len({alone, *joined}) == 4
        assert len(glyphs("لا")) == 1

    def test_marks_are_stacked(self) -> None:
        base, below, tone = glyphs("ปู่")
        assert base.advance > 0 == below.advance == tone.advance
        _, lower = glyphs("ป่")
        _, _, upper = glyphs("ปี่")
        assert (upper.id, upper.dy) != (lower.id, lower.dy)

    def test_the_skin_and_the_parts_of_an_emoji_are_one_glyph_with_it(self) -> None:
        for emoji in ("👩‍💻", "👍🏽", "🇩🇪"):
            assert sum(glyph.advance > 0 for glyph in glyphs(emoji)) == 1

    def test_the_outline_of_a_line_is_as_wide_as_the_line(self) -> None:
        once, twice = layout("नमस्ते"), layout("नमस्तेनमस्ते")
        assert twice.width == 2 * once.width
        assert outline(once).startswith("M")
        assert outline(twice).startswith(outline(once))


class TestDirection:
    @pytest.mark.parametrize(
        ("text", "order"),
        [
            ("Rent שלום (abc)", "Rent םולש (abc)"),
            ("שלום (abc) 12,50", "12,50 )abc( םולש"),
            ("abc (שלום (עולם)) xyz", "abc ()םלוע( םולש) xyz"),
            ("السعر 10% abc", "abc %10 رعسلا"),
        ],
    )
    def test_mixed_lines_are_ordered_by_the_first_letter(self, text: str, order: str) -> None:
        assert shown(text) == order

    def test_brackets_are_mirrored_where_text_runs_from_right_to_left(self) -> None:
        opening, closing = glyphs("("), glyphs(")")
        drawn = glyphs("(א)")
        assert drawn[:1] == opening  # the one that is typed last, on the left
        assert drawn[-1:] == closing

    @given(st.text(alphabet="ab12 (א)ب[]٣,.+-$%/\u200f", min_size=1, max_size=14).map(str.strip))
    def test_the_order_is_that_of_the_library(self, text: str) -> None:
        assert shown(text) == get_display(text)

    def test_every_line_has_the_direction_of_the_text(self) -> None:
        first, second = wrapped("שלום abc", 3000, measure)
        assert (first, second.lstrip("\u200f")) == ("שלום", "abc")
        assert shown(f"{second} 1א").startswith("א")


class TestLines:
    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("one two three", ["one two", "three"]),
            ("one two-three", ["one", "two-", "three"]),
            ("oneoneoneoneone", ["oneone", "oneone", "one"]),
            ("王小明的茶叶店", ["王小明的", "茶叶店"]),
            ("王小明的，茶叶", ["王小明", "的，茶叶"]),
            ("한국어 결제", ["한국어", "결제"]),
            ("สวัสดีครับผมจ่าย", ["สวัสดีครับ", "ผมจ่าย"]),
            ("नमस्तेनमस्तेनमस्ते", ["नमस्तेनम", "स्तेनमस्ते"]),
        ],
    )
    def test_lines_are_broken_between_words_or_letters(self, text: str, lines: list[str]) -> None:
        assert wrapped(text, 4100, measure) == lines

    @given(st.text(max_size=60).map(printable), st.integers(500, 9000))
    def test_nothing_is_lost_and_nothing_is_wider_than_the_line(
        self, text: str, width: int
    ) -> None:
        lines = wrapped(text, width, measure)

        marks = "\u200e\u200f "
        assert "".join(lines).translate(dict.fromkeys(map(ord, marks))) == text.translate(
            dict.fromkeys(map(ord, marks))
        )
        assert all(layout(line).width <= width + 100 or len(line) <= 2 for line in lines)

    def test_what_exceeds_the_lines_is_an_ellipsis_that_fits(self) -> None:
        lines = wrapped("W" * 100, 9000, measure, max_lines=2)

        assert len(lines) == 2
        assert lines[1].endswith("W …")
        assert max(map(measure, lines)) <= 9000


@given(st.text(max_size=40))
def test_any_text_can_be_drawn(text: str) -> None:
    line = layout(printable(text))

    assert all(glyph.id != 0 for run in line.runs for glyph in run.glyphs)
    assert line.width == sum(run.width for run in line.runs) >= 0


def test_the_fonts_are_those_that_reportlab_embeds_and_have_their_licences() -> None:
    readme = (typesetting.TYPEFACES / "README.md").read_text("utf-8")
    for path in typesetting.TYPEFACES.glob("*.ttf"):
        face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(path))
        assert "glyf" in face.table_tags
        assert f"`{path.name}`" in readme or path.stem.startswith(("NotoSans", "NotoSerif"))
    assert len(list(typesetting.TYPEFACES.glob("LICENSE-*"))) == 3
