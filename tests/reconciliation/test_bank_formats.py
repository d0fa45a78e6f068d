"""Bank statements as net banking exports them."""

from datetime import date

import pytest
from flask.testing import FlaskClient

from app.common.money import Money
from app.reconciliation.errors import StatementInvalid
from app.reconciliation.statement import Direction, Format, StatementLine, parse
from tests.onramp.helpers import deliver_event
from tests.reconciliation.helpers import post_statement, user_with_open_records

HDFC = """\
HDFC BANK LTD.,,,,,,Page No .: 1
MR ALICE JONES,,,,,,
Statement From : 01/11/2026,,,To : 30/11/2026,,,
,,,,,,
Date,Narration,Chq./Ref.No.,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance
********,********,********,********,********,********,********
01/11/26,"NEFT CR-HDFC0000001-ADA
LOVELACE",0000612345678901,01/11/26,,"1,23,456.00","1,33,456.00"
02/11/26,UPI-BOB@OKHDFC-RENT,0000612345678902,02/11/26,2500.50,,"1,30,955.50"
********,********,********,********,********,********,********
,,,,,,
STATEMENT SUMMARY  :-,,,,,,
Opening Balance,,Dr Count,Cr Count,Debits,Credits,Closing Bal
"10,000.00",,1,1,"2,500.50","1,23,456.00","1,30,955.50"
,,,,,,
Generated On: 30-Nov-2026,,,,,,
"""

HDFC_DELIMITED = """\

  Date     ,Narration            ,Value Dat,Debit Amount ,Credit Amount,Chq/Ref Number,Closing
 01/11/26  ,NEFT CR-ADA LOVELACE ,01/11/26 ,        0.00 ,   123456.00 ,612345678901  , 133456.00
 02/11/26  ,UPI-BOB@OKHDFC-RENT  ,02/11/26 ,     2500.50 ,        0.00 ,612345678902  , 130955.50
"""

AXIS = """\
Name :- ALICE JONES
Joint Holder :- -
Statement of Account No - 911010025601581 for the period (From : 01-11-2026 To : 30-11-2026)

Tran Date,CHQNO,PARTICULARS,DR,CR,BAL,SOL
,,OPENING BALANCE,,,10000.00,
01-11-2026,612345678901,NEFT/ADA LOVELACE/HDFC BANK, ,123456.00,133456.00,248
02-11-2026,612345678902,UPI/P2M/BOB/RENT,2500.50, ,130955.50,248
TRANSACTION TOTAL,,,2500.50,123456.00,,
CLOSING BALANCE,,,,,130955.50,
Unless the constituent notifies the bank immediately of any discrepancy found,,,,,,
"""

AXIS_CORPORATE = """\
Name :- ALICE JONES TRADING
S.No,Transaction Date (dd/mm/yyyy),Value Date,Particulars,Amount(INR),Debit/Credit,\
Balance(INR),Cheque Number,Branch Name(SOL)
1,,,OPENING BALANCE,,,"10,000.00",,PUNE
2,01/11/2026,01/11/2026,NEFT/ADA LOVELACE,"\t1,23,456.00",CR,"1,33,456.00",612345678901,PUNE (248)
3,02/11/2026,02/11/2026,UPI/BOB/RENT,"\t2,500.50",DR,"1,30,955.50",612345678902,PUNE (248)
"""


def summary(lines: list[StatementLine]) -> list[tuple[date, str, str, Money]]:
    return [
        (line.date, line.direction, line.bank_reference.lstrip("0"), line.money) for line in lines
    ]


@pytest.mark.parametrize("raw", [HDFC, HDFC_DELIMITED, AXIS, AXIS_CORPORATE])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_statement_of_net_banking_is_read(raw: str, encoding: str) -> None:
    lines = parse(raw.encode(encoding), currency="INR")

    assert summary(lines) == [
        (date(2026, 11, 1), Direction.CREDIT, "612345678901", Money(12345600, "INR")),
        (date(2026, 11, 2), Direction.DEBIT, "612345678902", Money(250050, "INR")),
    ]
    assert all(line.reference == "" for line in lines)
    assert "RENT" in lines[1].text


def test_the_columns_of_another_bank_can_be_stated() -> None:
    raw = "Konto 4711\nBuchungstag;Verwendungszweck;Soll;Haben\n02-11-2026;Miete;25.00;\n"
    columns = [
        ("date", "Buchungstag"),
        ("text", "Verwendungszweck"),
        ("debit", "SOLL"),
        ("credit", "Haben"),
    ]
    (line,) = parse(raw.encode(), currency="EUR", form=Format(columns))
    assert (line.direction, line.money, line.text) == (
        Direction.DEBIT,
        Money(2500, "EUR"),
        "Miete",
    )
    with pytest.raises(StatementInvalid) as caught:
        parse(raw.encode(), currency="EUR")
    assert "missing column date" in caught.value.text


def test_a_stated_column_replaces_the_usual_one() -> None:
    raw = b"Date,Booked on,Narration,DR,CR\n01/11/2026,02/11/2026,Rent,5.00,\n"
    (line,) = parse(raw, currency="INR", form=Format([("date", "Booked on")]))
    assert line.date == date(2026, 11, 2)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ([("Date", "Tag")], "must be one of date, reference"),
        ([("date", "")], "must have a name: date"),
        ([("date", "***")], "must have a name: date"),
        ([("date", "Tag"), ("date", "Day")], "stated twice: date"),
        ([("date", "Tag"), ("text", "TAG")], "stated twice: text"),
    ],
)
def test_columns_that_are_stated_wrongly_are_refused(
    columns: list[tuple[str, str]], problem: str
) -> None:
    with pytest.raises(StatementInvalid) as caught:
        parse(AXIS.encode(), currency="INR", form=Format(columns))
    ((where, (text,)),) = caught.value.details.items()
    assert (where, problem in text) == ("columns", True), text


def test_a_column_reference_of_a_bank_is_the_bank_s() -> None:
    raw = b"Date,Description,Reference,Debit,Credit\n01/11/2026,Rent,UTR123,5.00,\n"
    (line,) = parse(raw, currency="INR")
    assert (line.reference, line.bank_reference) == ("", "UTR123")


def test_a_total_within_the_statement_ends_nothing() -> None:
    raw = AXIS.replace("02-11-2026", "PAGE TOTAL,,,5.00,,,\n,,TOTAL ENERGIES,,,,\n02-11-2026", 1)
    assert len(parse(raw.encode(), currency="INR")) == 2


@pytest.mark.parametrize(
    ("was", "now", "problem"),
    [
        ("02/11/26,UPI", "31/02/26,UPI", "date: must be a date such as 2026-11-21 or 21/11/2026"),
        ("02/11/26,UPI", ",UPI", "date: must be a date such as 2026-11-21 or 21/11/2026"),
        ("2500.50,,", "2500.50,1.00,", "must have an amount as debit or as credit"),
        ("2500.50,,", ",,", "must have an amount as debit or as credit"),
        ("2500.50,,", "2.500.50,,", "amount: must be an amount of INR such as 12.50"),
        ("2500.50,,", "-2500.50,,", "amount: must be an amount of INR such as 12.50"),
        ("2500.50,,", '"2500,50",,', "amount: must be an amount of INR such as 12.50"),
        ("2500.50,,", "2.500,,", "amount: must be an amount of INR such as 12.50"),
        ("2500.50,,", "RENT,5.00,", "must have an amount as debit or as credit"),
        ("UPI-BOB@OKHDFC-RENT", "UPI-BOB, RENT", "the row has 8 cells, but the header has 7"),
        ("0000612345678902", "é", "bankReference: must be at most 255 ASCII characters"),
        ("02/11/26,UPI", "46327,TOTAL", "date: must be a date such as 2026-11-21 or 21/11/2026"),
    ],
)
def test_no_transaction_is_passed_over(was: str, now: str, problem: str) -> None:
    with pytest.raises(StatementInvalid) as caught:
        parse(HDFC.replace(was, now, 1).encode(), currency="INR")
    assert caught.value.details == {"line 9": [problem]}


@pytest.mark.parametrize(
    "day",
    ["26.11.2026", "26.11.26", "26-Nov-2026", "26 Nov 2026", "26-NOV-26", "26/11/2026 10:00:00",
     "26-11-2026 10:00", "26/11/26 10:00:00 AM", "2026-11-26T10:00:00", "20261126", "26/11/2026"],
)  # fmt: skip
def test_days_are_read_as_banks_write_them(day: str) -> None:
    (line,) = parse(f"Date,Narration,DR,CR\n{day},Rent,5.00,\n".encode(), currency="INR")
    assert line.date == date(2026, 11, 26)


def test_that_months_come_first_can_be_stated() -> None:
    raw = b"Date,Description,Debit,Credit\n02/11/2026,Rent,5.00,\n"
    assert [
        parse(raw, currency="USD", form=Format(month_first=first))[0].date
        for first in (False, True)
    ] == [date(2026, 11, 2), date(2026, 2, 11)]


@pytest.mark.parametrize(
    ("cell", "minor"),
    [
        ("1250.00 Dr", 125000),
        ("1,250.00Dr.", 125000),
        ("\u20b91,250.00", 125000),
        ("Rs. 1,250.00", 125000),
        ("INR 1250", 125000),
        ("1250.00 INR", 125000),
    ],
)
def test_an_amount_may_have_its_currency_and_its_direction(cell: str, minor: int) -> None:
    raw = f'Date,Narration,DR,CR\n01/11/26,Rent,"{cell}",\n'
    (line,) = parse(raw.encode(), currency="INR")
    assert (line.direction, line.money) == (Direction.DEBIT, Money(minor, "INR"))


@pytest.mark.parametrize("cell", ["1250.00 Cr", "$1,250.00", "USD 5.00", "-5.00", "5.00 Dr Dr"])
def test_an_amount_that_contradicts_its_column_is_refused(cell: str) -> None:
    raw = f'Date,Narration,DR,CR\n01/11/26,Rent,"{cell}",\n'
    with pytest.raises(StatementInvalid):
        parse(raw.encode(), currency="INR")


@pytest.mark.parametrize(
    ("cell", "direction"),
    [
        ("1.250,00", None),
        ("-1.250,00", Direction.DEBIT),
        ("+1250,00", Direction.CREDIT),
        ("1 250,00 Cr", Direction.CREDIT),
        ("1.250,00 \u20ac Dr", Direction.DEBIT),
        ("-1.250,00 Dr", None),
        ("-1.250", Direction.DEBIT),
        ("-1,250.00", None),
    ],
)
def test_an_amount_without_a_direction_needs_one_of_its_own(
    cell: str, direction: Direction | None
) -> None:
    raw = f"Buchungstag;Verwendungszweck;Betrag\n26.11.2026;Miete;{cell}\n".encode()
    columns = [("date", "Buchungstag"), ("text", "Verwendungszweck"), ("amount", "Betrag")]
    form = Format(columns, decimal_comma=True)
    if direction is None:
        with pytest.raises(StatementInvalid):
            parse(raw, currency="EUR", form=form)
    else:
        (line,) = parse(raw, currency="EUR", form=form)
        assert (line.direction, line.money) == (direction, Money(125000, "EUR"))


@pytest.mark.parametrize("name", ["Debit", "DEBIT", "dr", "Dr.", "D"])
def test_the_case_of_a_direction_does_not_matter(name: str) -> None:
    raw = f"Date,Narration,Amount,Dr/Cr\n01/11/26,Rent,5.00,{name}\n"
    assert parse(raw.encode(), currency="INR")[0].direction is Direction.DEBIT


@pytest.mark.parametrize("cell", ["-", "--", "", "000000", "N/A"])
def test_a_reference_of_nothing_is_none(cell: str) -> None:
    raw = f"Tran Date,CHQNO,PARTICULARS,DR,CR\n01-11-2026,{cell},Charges,5.00,\n"
    assert parse(raw.encode(), currency="INR")[0].bank_reference == ""


class TestIdentification:
    """Our record is found by what the bank wrote."""

    def lines(self, client: FlaskClient, *rows: str) -> list[dict[str, str]]:
        raw = "\n".join(["Tran Date,CHQNO,PARTICULARS,DR,CR,BAL,SOL", *rows])
        answer = post_statement(client, raw.encode(), **{"from": "2026-01-01", "to": "2026-12-31"})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, str]] = answer.json["rows"]
        return found

    def test_by_our_reference_in_the_text(self, client: FlaskClient) -> None:
        _, onramp, payout_id = user_with_open_records(client)
        credit = f"01-11-2026,123,NEFT-{onramp['token']}-ADA,,{onramp['amount']},,"
        debit = f"01-11-2026,124,IMPS/ABC{payout_id.hex.upper()}/X,40.00,,,"

        rows = self.lines(client, credit, debit, "01-11-2026,125,CHARGES,1.00,,,")

        named = {row["bankReference"]: row["reference"] for row in rows}
        assert named["123"] == onramp["token"]
        assert named["124"] == str(payout_id)
        assert named["125"] is None
        (charges,) = (row for row in rows if row["bankReference"] == "125")
        assert charges["outcome"] == "MISSING_HERE"

    def test_by_the_reference_of_the_bank(self, client: FlaskClient) -> None:
        user, onramp, _ = user_with_open_records(client)
        deliver_event(client, onramp, user, bankReference="UTR-1")
        rows = self.lines(
            client, "01-11-2026,0000UTR-1,NEFT ADA,,99.00,,", "01-11-2026,UTR-2,NEFT ADA,,99.00,,"
        )
        assert [(row["reference"], row["outcome"]) for row in rows] == [
            (onramp["token"], "AMOUNT_DIFFERS"),
            (None, "MISSING_HERE"),
        ]


def test_lines_that_are_not_ours_are_no_duplicates(client: FlaskClient) -> None:
    raw = AXIS.replace("612345678901", "").replace("612345678902", "")
    answer = post_statement(client, raw.encode(), currency="INR")
    assert answer.json["counts"]["missingHere"] == 2
    assert answer.json["counts"]["duplicate"] == 0
