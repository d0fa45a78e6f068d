"""PDF statements: their text, and its positions on the page."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any
from unicodedata import normalize

import pypdfium2
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.common.settings import PROJECT_ROOT
from app.statements import pdf, pdf_worker
from tests import factories
from tests.responses import refusal
from tests.scripts import SAMPLES
from tests.statements.helpers import HOUR, NOON, STATEMENT, get_statement
from tests.wallets.helpers import deposit, wallet_of, withdraw
from tests.wallets.histories import add_history

EXPLANATION = "stands for a character that the typefaces of this document lack"
MARCH = {"since": "2026-03-01", "until": "2026-04-01"}

HEAD: dict[str, Any] = {
    "shop": None,
    "name": "Ada Lovelace",
    "contact": "ada@example.com",
    "number": "4821 0937 5516",
    "currency": "USD",
    "from": "2026-01-01 00:00:00",
    "to": "2026-02-01 00:00:00",
    "zone": "Coordinated Universal Time (UTC)",
    "issued": "2026-11-21 14:30:00 UTC",
    "opening": "1,250.00",
    "closing": "2,250.00",
    "count": "2",
    "in": "1,500.00",
    "out": "500.00",
    "totals": [("Deposit", "1", "1,500.00", "0.00"), ("Payment", "1", "0.00", "500.00")],
}


def row(number: int, description: str = "Wallet deposit", amount: str = "1.00") -> Sequence[str]:
    return (
        "2026-01-05 12:00:00",
        "Deposit",
        description,
        f"order {number}",
        amount,
        f"{number}.50",
    )


def render(rows: Sequence[Sequence[str]], **head: Any) -> pypdfium2.PdfDocument:
    file = io.BytesIO()
    pdf.draw(file, HEAD | head, rows)
    return pypdfium2.PdfDocument(file.getvalue())


def open_pdf(answer: TestResponse) -> pypdfium2.PdfDocument:
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/pdf"
    assert answer.content_length == len(answer.data)
    return pypdfium2.PdfDocument(answer.data)


def texts(document: pypdfium2.PdfDocument) -> list[str]:
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def pixels(page: pypdfium2.PdfPage) -> int:
    return sum(ink_per_column(page))


def ink_per_column(page: pypdfium2.PdfPage) -> list[int]:
    """The number of pixels that are not white, for each point from left to right."""
    picture = page.render(grayscale=True).to_pil()
    ink = picture.point(lambda level: 255 * (level < 200))
    return [ink.crop((x, 0, x + 1, ink.height)).histogram()[-1] for x in range(ink.width)]


def right_edges(page: pypdfium2.PdfPage, figure: str) -> set[int]:
    """The right edges of the occurrences of a figure, in points."""
    text = page.get_textpage()
    content = text.get_text_range()
    return {
        round(text.get_charbox(found.end() - 1, loose=True)[2])
        for found in re.finditer(re.escape(figure), content)
    }


class TestDownload:
    def test_the_document_has_holder_period_balances_and_totals(self, client: FlaskClient) -> None:
        user = factories.actor()
        client.patch(
            "/api/v1/auth/me",
            json={"firstName": "Ada", "lastName": "Lovelace"},
            headers=user.headers,
        )
        deposit(client, user, "1500.00", description="Salary")
        withdraw(client, user, "499.50", description="Rent")

        answer = get_statement(client, user, "pdf")

        number = wallet_of(client, user)["number"]
        assert f"statement-{number}-" in answer.headers["Content-Disposition"]
        (text,) = texts(open_pdf(answer))
        for expected in (
            "Payment Flow Account statement",
            "Account holder Ada Lovelace",
            user.email,
            f"{number[:4]} {number[4:8]} {number[8:]}",
            "Currency USD",
            "Coordinated Universal Time (UTC)",
            "Date of issue",
            "Opening balance 0.00 Money in 1,500.00 Money out 499.50 Closing balance 1,000.50",
            "Deposit 1 1,500.00 0.00",
            "Withdrawal 1 0.00 499.50",
            "All 2 1,500.00 499.50",
            "Date Type Description Reference Amount Balance",
            "Withdrawal Rent -499.50 1,000.50",
            "Page 1 of 1",
        ):
            assert expected in text

    def test_each_posting_appears_once_and_each_page_is_numbered(self, client: FlaskClient) -> None:
        user = factories.actor()
        add_history(user.id, count=150, first=NOON, apart=HOUR)

        pages = texts(open_pdf(get_statement(client, user, "pdf", **MARCH)))

        assert len(pages) > 2
        for number, page in enumerate(pages, 1):
            assert page.count("Date Type Description Reference Amount Balance") == 1
            assert f"Page {number} of {len(pages)} " in page
        assert re.findall(r"Movement (\d+)", " ".join(pages)) == [str(n) for n in range(1, 151)]

    def test_a_wallet_without_transactions_has_a_statement(self, client: FlaskClient) -> None:
        (text,) = texts(open_pdf(get_statement(client, factories.actor(), "pdf")))

        assert "Opening balance 0.00 No transactions Closing balance 0.00" in text

    def test_a_holder_without_name_and_email_is_identified_by_phone(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(phone_auto_registration=True)
        account = {"phone": "+14155550100", "password": factories.PASSWORD}
        token = client.post("/api/v1/auth/phone", json=account).json["accessToken"]

        answer = client.get(
            f"{STATEMENT}?format=pdf", headers={"Authorization": f"Bearer {token}"}, buffered=True
        )

        assert "Account holder +14155550100" in texts(open_pdf(answer))[0]

    def test_a_rendering_that_times_out_is_refused(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.actor()
        with monkeypatch.context() as patch:
            patch.setattr(pdf_worker, "TIMEOUT", 0)
            assert refusal(get_statement(client, user, "pdf")) == (503, "BUSY")

        assert get_statement(client, user, "pdf").status_code == 200


class TestLayout:
    def test_amounts_are_right_aligned(self) -> None:
        amounts = ("1.00", "-23,456.78", "100,000.00")
        (page,) = render([row(n, amount=amount) for n, amount in enumerate(amounts)])

        ends = [right_edges(page, amount) for amount in ("-23,456.78", "100,000.00")]
        assert ends[0] == ends[1]
        assert len(ends[0]) == 1
        assert right_edges(page, "0.50") == right_edges(page, "2.50") == {547}

    def test_the_largest_amounts_fit(self) -> None:
        largest = "92,233,720,368,547,758.07"
        (page,) = render([row(1, amount=f"-{largest}")], opening=largest)

        assert texts([page])[0].count(largest) == 3
        assert max(right_edges(page, largest)) <= 547

    @pytest.mark.parametrize(
        "text", ["x" * 200, "word " * 40, "a-b" * 66, "W" * 200, "one two-three" * 15]
    )
    def test_a_long_text_is_wrapped_within_its_column(self, text: str) -> None:
        (page,) = render([row(1, text), row(2)])

        content = page.get_textpage()
        shown = content.get_text_range().replace("\ufffe", "-")  # a hyphen at the end of a line
        assert "".join(text.split()) in re.sub(r"\s|order 1|1\.00|1\.50", "", shown)
        boxes = [content.get_charbox(n) for n in range(len(shown)) if shown[n] in set(text) - {" "}]
        within = [box for box in boxes if 190 <= box[0] < 322 and box[1] < 400]
        assert within
        assert max(box[2] for box in within) < 322

    def test_a_row_is_not_split_across_pages(self) -> None:
        document = render([row(n, f"{n} begins " + "and goes on " * 12) for n in range(40)])

        for page in texts(document):
            assert page.count("begins") * 12 == page.count("and goes on")

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("Café “naïve” – 5 €", "Café “naïve” – 5 €"),
            ("two\nlines\tand a tab", "two lines and a tab"),
            ("zero\u200bwidth", "zero\u200bwidth"),
            ("ﬁnal", "final"),
            ("\U0001d401\U0001d428\U0001d425\U0001d41d", "Bold"),
        ],
    )
    def test_what_cannot_be_seen_or_is_only_decoration_is_readable(
        self, text: str, shown: str
    ) -> None:
        (page,) = texts(render([row(1, text)]))

        assert shown in page or shown in normalize("NFKC", page)
        assert EXPLANATION not in page

    @pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
    def test_texts_of_every_script_are_drawn_and_can_be_read(self, text: str) -> None:
        (page,) = render([row(1, text)], name=text)

        content = page.get_textpage().get_text_range()
        assert EXPLANATION not in content
        assert pixels(page) > pixels(render([row(1, "")], name="")[0])
        # The library that reads the text moves marks between letters, and skips emojis.
        for letter in set(normalize("NFKC", text)) - {" "}:
            assert letter in normalize("NFKC", content) or letter > "\uffff"

    def test_words_of_hindi_and_arabic_are_read_as_they_were_typed(self) -> None:
        (hindi,) = texts(render([row(1, "मासिक किराया, क्षत्रिय")]))
        words = f"{SAMPLES['Persian']} {SAMPLES['Arabic']}".split()
        (others,) = texts(render([row(1, " ".join(["Rent", *words]))]))

        assert "मासिक किराया, क्षत्रिय" in hindi
        assert set(words) <= set(normalize("NFKC", others).split())

    def test_a_long_text_of_another_script_stays_within_its_column(self) -> None:
        for text in ("मासिककिराया" * 12, "王小明的茶叶店" * 12, "สวัสดีครับ" * 12, "السلامعليكم" * 12):
            blank, drawn = render([row(1, "")]), render([row(1, text)])
            columns = [
                place
                for place, (before, after) in enumerate(
                    zip(ink_per_column(blank[0]), ink_per_column(drawn[0]), strict=True)
                )
                if before != after
            ]

            assert min(columns) >= 188
            assert 300 < max(columns) <= 320

    @pytest.mark.parametrize("text", ["𓀀", "\U0010fffd", "\u0378 abc"])
    def test_a_placeholder_character_is_explained_on_its_page(self, text: str) -> None:
        first, *_, last = texts(render([row(1, text), *(row(n) for n in range(2, 120))]))

        assert "\u25a1" in first.split(EXPLANATION)[0]
        assert f"\u25a1 {EXPLANATION}" in first
        assert EXPLANATION not in last

    def test_marks_of_any_number_do_not_stop_the_statement(self) -> None:
        (page,) = texts(render([row(1, "a" + "\u0300\u0324" * 250), row(2, "क" + "\u094d" * 250)]))

        assert "order 2" in page

    def test_a_holder_without_a_name_is_identified_by_email(self) -> None:
        (page,) = texts(render([], name=""))

        assert "Account holder ada@example.com" in page


def test_a_truncated_input_produces_no_document() -> None:
    complete_input = json.dumps(HEAD) + "\n" + json.dumps([row(1)]) + "\n"

    def run_worker(text: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "app.statements.pdf"],
            input=text.encode(),
            capture_output=True,
            cwd=PROJECT_ROOT,
            check=False,
        )

    for cut in (run_worker(complete_input), run_worker("")):
        assert (cut.returncode, cut.stdout, cut.stderr) == (1, b"", b"")
    whole = run_worker(f"{complete_input}null\n")
    assert (whole.returncode, whole.stdout[:5]) == (0, b"%PDF-")
