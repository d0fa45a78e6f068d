"""Amounts of money: exact, or refused."""

from decimal import Decimal

import pytest

from app.common.money import EXPONENTS, MAX_MINOR, AmountInvalid, Money, format_minor


class TestParsing:
    @pytest.mark.parametrize(
        ("amount", "currency", "minor"),
        [
            ("17.50", "USD", 1750),
            ("17.5", "USD", 1750),
            ("17.50000", "USD", 1750),
            ("0.01", "USD", 1),
            ("0", "USD", 0),
            ("-5.00", "USD", -500),
            ("1E+2", "USD", 10_000),
            ("500", "JPY", 500),
            ("1.234", "KWD", 1234),
            ("92233720368547758.07", "USD", MAX_MINOR),
            ("9223372036854775807", "JPY", MAX_MINOR),
            ("0." + "0" * 28, "USD", 0),
        ],
    )
    def test_amounts_become_minor_units(self, amount: str, currency: str, minor: int) -> None:
        assert Money.of(Decimal(amount), currency) == Money(minor, currency)

    @pytest.mark.parametrize(
        ("amount", "currency"),
        [
            ("0.005", "USD"),
            ("17.501", "USD"),
            ("0.5", "JPY"),
            ("0.0001", "KWD"),
            ("1.000000000000000000000000000001", "USD"),
            ("99999999999999.9999999999999999999999999", "USD"),
            ("0.0000000000000000000000000000000001", "USD"),
            ("1." + "7" * 1000, "USD"),
        ],
    )
    def test_more_decimals_than_the_currency_has_are_refused(
        self, amount: str, currency: str
    ) -> None:
        with pytest.raises(AmountInvalid):
            Money.of(Decimal(amount), currency)

    @pytest.mark.parametrize(
        "amount",
        ["92233720368547758.08", "1e30", "1e31", "1e400", "9" * 40, "NaN", "Infinity", "-Infinity"],
    )
    def test_amounts_above_64_bits_are_refused(self, amount: str) -> None:
        with pytest.raises(AmountInvalid) as refused:
            Money.of(Decimal(amount), "USD", field="price")

        assert refused.value.details == {"price": ["Number out of range."]}


class TestFormatting:
    @pytest.mark.parametrize(
        ("minor", "currency", "text"),
        [
            (1750, "USD", "17.50"),
            (5, "USD", "0.05"),
            (0, "USD", "0.00"),
            (-5, "USD", "-0.05"),
            (-1750, "USD", "-17.50"),
            (500, "JPY", "500"),
            (-500, "JPY", "-500"),
            (1234, "KWD", "1.234"),
            (MAX_MINOR, "USD", "92233720368547758.07"),
        ],
    )
    def test_amounts_have_all_decimals_of_the_currency(
        self, minor: int, currency: str, text: str
    ) -> None:
        assert format_minor(minor, currency) == str(Money(minor, currency)) == text

    @pytest.mark.parametrize("currency", list(EXPONENTS))
    @pytest.mark.parametrize("minor", [0, 1, 99, 100, 12_345, MAX_MINOR, -1, -12_345])
    def test_a_formatted_amount_is_parsed_as_the_same(self, minor: int, currency: str) -> None:
        assert Money.of(Decimal(format_minor(minor, currency)), currency).minor == minor

    @pytest.mark.parametrize(
        ("money", "text"),
        [
            (Money(1750, "USD"), "$17.50"),
            (Money(1750, "EUR"), "€17.50"),
            (Money(500, "JPY"), "¥500"),
            (Money(12_000, "KWD"), "12.000 KWD"),
        ],
        ids=str,
    )
    def test_the_display_has_the_sign_or_the_code_of_the_currency(
        self, money: Money, text: str
    ) -> None:
        assert money.display == text
