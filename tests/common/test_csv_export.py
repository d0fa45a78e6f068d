"""Cells of CSV documents that PostgreSQL writes are those that Python would write."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, DateTime, Integer, String, literal, select

from app.common import csv_documents, db
from app.common.clock import format_timestamp
from app.common.csv_export import batch_of, boolean_cell, money_cell, text_cell, time_cell
from app.common.ids import new_id
from app.common.money import EXPONENTS, MAX_MINOR, format_minor

#: Text without what PostgreSQL cannot store.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)
RISKY = st.text(csv_documents.FORMULA_STARTS + "',\"a ", max_size=5)


def document_of(**cells: object) -> str:
    """The document of one row."""
    with db.reading() as session:
        row = session.execute(batch_of(select(1), cells, literal(new_id()), limit=1)).one()
    document, count, _ = row
    assert count == 1
    return str(document)


@pytest.mark.usefixtures("app")
class TestCells:
    @settings(max_examples=150, deadline=None)
    @given(text=TEXT | RISKY, other=TEXT | RISKY)
    def test_texts(self, text: str, other: str) -> None:
        found = document_of(first=text_cell(literal(text)), second=text_cell(literal(other)))

        cells = [csv_documents.escape_formula(one) for one in (text, other)]
        assert found == csv_documents.write([cells]).decode()
        assert list(csv.reader(io.StringIO(found, newline=""))) == [cells]

    def test_nothing_is_an_empty_cell(self) -> None:
        nothing = literal(None, String)
        never = literal(None, DateTime(timezone=True))
        assert document_of(a=text_cell(nothing), b=nothing, c=time_cell(never)) == ",,\r\n"

    @pytest.mark.parametrize("currency", EXPONENTS)
    @pytest.mark.parametrize("minor", [0, 1, -1, 99, -100, 1750, 123_456, MAX_MINOR, -MAX_MINOR])
    def test_amounts(self, minor: int, currency: str) -> None:
        found = document_of(amount=money_cell(literal(minor), literal(currency)))
        assert found == format_minor(minor, currency) + "\r\n"

    @pytest.mark.parametrize(
        "time",
        [
            datetime(2026, 3, 1, tzinfo=UTC),
            datetime(2026, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(2026, 7, 1, 0, 15, 0, 1_500, timezone(timedelta(hours=5, minutes=30))),
            datetime(1970, 1, 1, tzinfo=UTC),
        ],
        ids=str,
    )
    def test_times(self, time: datetime) -> None:
        found = document_of(time=time_cell(literal(time, DateTime(timezone=True))))
        assert found == f"{format_timestamp(time)}\r\n"

    def test_truth_and_numbers(self) -> None:
        found = document_of(
            yes=boolean_cell(literal(True, Boolean)),
            no=boolean_cell(literal(False, Boolean)),
            number=literal(7, Integer),
        )
        assert found == "true,false,7\r\n"
