"""The unit parser: known strings, the origin's parsing defects, and what must hold for any text."""

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.classification import Normalization
from schemas.enums import ParsedScale, ReportingFrequency, Scale, UnitType
from services.classification.rules import currencies, scales
from services.classification.rules.units import parse_units

_NO_CODES = {"XTS", "XXX"}

# --- what is parsed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "unit_type", "currency", "multiplier"),
    [
        ("AWG Million", UnitType.CURRENCY_AMOUNT, "AWG", 1e6),
        ("AFN Million", UnitType.CURRENCY_AMOUNT, "AFN", 1e6),
        ("XDR", UnitType.CURRENCY_AMOUNT, "XDR", 1.0),
        ("XCD Million", UnitType.CURRENCY_AMOUNT, "XCD", 1e6),
        ("ALL Million", UnitType.CURRENCY_AMOUNT, "ALL", 1e6),
        ("TRY Thousands", UnitType.CURRENCY_AMOUNT, "TRY", 1e3),
        ("MAD/Day", UnitType.CURRENCY_AMOUNT, "MAD", 1.0),
        ("CNY Hundred Million", UnitType.CURRENCY_AMOUNT, "CNY", 1e8),
        ("JPY Hundreds Millions", UnitType.CURRENCY_AMOUNT, "JPY", 1e8),
        ("100 million yen", UnitType.CURRENCY_AMOUNT, "JPY", 1e8),
        ("CNY Tens thousands", UnitType.CURRENCY_AMOUNT, "CNY", 1e4),
        ("INR Crore", UnitType.CURRENCY_AMOUNT, "INR", 1e7),
        ("USD bn", UnitType.CURRENCY_AMOUNT, "USD", 1e9),
        ("EUR mn", UnitType.CURRENCY_AMOUNT, "EUR", 1e6),
        ("EUR Mio", UnitType.CURRENCY_AMOUNT, "EUR", 1e6),
        ("USD tn", UnitType.CURRENCY_AMOUNT, "USD", 1e12),
        ("USD M", UnitType.CURRENCY_AMOUNT, "USD", 1e6),
        ("National currency", UnitType.CURRENCY_AMOUNT, None, 1.0),
        ("constant LCU", UnitType.CURRENCY_AMOUNT, None, 1.0),
        ("AMT, current US$", UnitType.CURRENCY_AMOUNT, "USD", 1.0),
        ("2011 PPP $", UnitType.CURRENCY_AMOUNT, None, 1.0),
        ("current international $", UnitType.CURRENCY_AMOUNT, None, 1.0),
        ("Trinidad and Tobago dollar", UnitType.CURRENCY_AMOUNT, "TTD", 1.0),
        ("EUR/MWh", UnitType.CURRENCY_AMOUNT, "EUR", 1.0),
        ("Dollars per Thousand Cubic Feet", UnitType.CURRENCY_AMOUNT, "USD", 1.0),
        ("SIPRI TIV Million", UnitType.PHYSICAL, None, 1e6),
        ("%", UnitType.PERCENTAGE, None, 1.0),
        ("per cent", UnitType.PERCENTAGE, None, 1.0),
        ("Percent change", UnitType.PERCENTAGE, None, 1.0),
        ("annual %", UnitType.PERCENTAGE, None, 1.0),
        ("% of potential GDP", UnitType.PERCENTAGE, None, 1.0),
        ("Percent of GDP in US dollars", UnitType.PERCENTAGE, None, 1.0),
        ("Index, 2010=100", UnitType.INDEX, None, 1.0),
        ("points", UnitType.INDEX, None, 1.0),
        ("basis points", UnitType.INDEX, None, 1.0),
        ("score (0-10)", UnitType.INDEX, None, 1.0),
        ("Rank", UnitType.COUNT, None, 1.0),
        ("Whole number", UnitType.COUNT, None, 1.0),
        ("Thousands of Persons", UnitType.COUNT, None, 1e3),
        ("BBL/D/1K", UnitType.PHYSICAL, None, 1e3),
        ("BBL/1Million", UnitType.PHYSICAL, None, 1e6),
        ("1000 Hectares", UnitType.PHYSICAL, None, 1e3),
        ("Terajoule", UnitType.PHYSICAL, None, 1.0),
        ("celsius", UnitType.PHYSICAL, None, 1.0),
        ("per 1000 people", UnitType.RATE, None, 1.0),
        ("kg per 2010 US$ of GDP", UnitType.RATE, None, 1.0),
        ("months of imports", UnitType.RATIO, None, 1.0),
        ("ratio", UnitType.RATIO, None, 1.0),
        ("Years", UnitType.DURATION, None, 1.0),
        ("weeks", UnitType.DURATION, None, 1.0),
        ("source: DG COMM", UnitType.UNKNOWN, None, 1.0),
        ("$1.90 a day", UnitType.UNKNOWN, None, 1.0),
        ("", UnitType.UNKNOWN, None, 1.0),
    ],
)
def test_known_units(units: str, unit_type: UnitType, currency: str | None, multiplier: float) -> None:
    parsed = parse_units(units)
    assert (parsed.unit_type, parsed.currency, parsed.multiplier) == (unit_type, currency, multiplier)


@pytest.mark.parametrize("units", ["all countries", "try again", "top 10 firms", "cup of tea", "TOP 10"])
def test_codes_that_are_words_need_their_place(units: str) -> None:
    assert not parse_units(units).is_currency


@pytest.mark.parametrize(
    ("units", "span"),
    [
        ("USD/Month", ReportingFrequency.MONTHLY),
        ("USD per year", ReportingFrequency.ANNUAL),
        ("BBL/D/1K", ReportingFrequency.DAILY),
        ("% weekly", ReportingFrequency.WEEKLY),
        ("Annual % growth", ReportingFrequency.ANNUAL),
        ("% of annual sales", None),
        ("USD Million", None),
    ],
)
def test_time_span_in_the_unit(units: str, span: ReportingFrequency | None) -> None:
    assert parse_units(units).time_unit is span


# --- structured fields and names --------------------------------------------------------------


def test_scale_field_wins_and_the_conflict_is_listed() -> None:
    parsed = parse_units("CNY Hundred Million", scale="Millions")
    assert (parsed.multiplier, parsed.parsed_scale) == (1e6, ParsedScale.MILLIONS)
    assert len(parsed.conflicts) == 1


def test_fields_that_agree_leave_no_conflict() -> None:
    parsed = parse_units("USD Million", scale="Millions", currency_code="usd")
    assert parsed.conflicts == ()
    assert parsed.multiplier == 1e6


def test_currency_field_wins_and_the_conflict_is_listed() -> None:
    parsed = parse_units("USD Million", currency_code="JMD")
    assert parsed.currency == "JMD"
    assert parsed.conflicts == ("currency_code: JMD in the field, USD in the units",)


def test_currency_field_turns_a_bare_scale_into_money() -> None:
    parsed = parse_units("Million", currency_code="BGN")
    assert (parsed.unit_type, parsed.currency, parsed.multiplier) == (UnitType.CURRENCY_AMOUNT, "BGN", 1e6)


def test_currency_field_does_not_make_a_percentage_money() -> None:
    assert not parse_units("%", currency_code="EUR").is_currency


def test_percentages_have_no_scale() -> None:
    parsed = parse_units("%", scale="Billions")
    assert parsed.normalized_scale is Scale.PERCENT
    assert parsed.conflicts


@pytest.mark.parametrize(
    ("name", "unit_type"),
    [
        ("Exports of goods and services (% of GDP)", UnitType.PERCENTAGE),
        ("GDP (current US$)", UnitType.CURRENCY_AMOUNT),
        ("Coal price, Unit prices, US dollars per metric tonne", UnitType.CURRENCY_AMOUNT),
        ("Retail Sales YoY", UnitType.PERCENTAGE),
        ("Consumer Price Index", UnitType.INDEX),
        ("Pupil-teacher ratio", UnitType.RATIO),
        ("Something else", UnitType.UNKNOWN),
    ],
)
@pytest.mark.parametrize("units", ["", "annual series"])
def test_names_help_units_that_say_nothing(name: str, units: str, unit_type: UnitType) -> None:
    parsed = parse_units(units, name=name)
    assert parsed.unit_type is unit_type
    assert parsed.original_units == units
    assert parsed.confidence < 0.9


def test_iso_table_is_the_current_one() -> None:
    current = {currency.alpha_3 for currency in pycountry.currencies} - _NO_CODES
    assert current <= currencies.CODES
    assert currencies.WORD_CODES <= currencies.CODES


# --- what holds for any text ------------------------------------------------------------------

_TOKENS = (
    "USD EUR ALL TRY Million Billion Hundred thousand % percent of GDP per year day index 2010 = 100 LCU $ US$ / , ( ) "
    "points rank score months imports barrels kg number people ratio change annual K bn mn 1000 000 '000 to"
)
_WORDS = st.sampled_from(_TOKENS.split())
_TEXT = st.one_of(st.text(max_size=60), st.lists(_WORDS, max_size=8).map(" ".join))


def _facts(parsed: Normalization) -> tuple[object, ...]:
    return (parsed.unit_type, parsed.multiplier, parsed.currency, parsed.time_unit, parsed.matched_pattern)


@given(_TEXT, _TEXT, _TEXT, _TEXT)
def test_never_raises(units: str, name: str, scale: str, code: str) -> None:
    parsed = parse_units(units, name=name, scale=scale, currency_code=code)
    assert parsed.original_units == units
    assert 0.0 <= parsed.confidence <= 1.0


@given(_TEXT)
def test_multiplier_fits_the_scale(units: str) -> None:
    parsed = parse_units(units)
    assert parsed.multiplier >= scales.FACTORS[parsed.parsed_scale]
    assert scales.named(parsed.multiplier) is parsed.parsed_scale
    if parsed.normalized_scale not in (Scale.PERCENT, Scale.INDEX):
        assert parsed.normalized_scale is scales.published(parsed.parsed_scale)


@given(_TEXT)
def test_money_is_money(units: str) -> None:
    parsed = parse_units(units)
    assert parsed.is_currency == (parsed.unit_type is UnitType.CURRENCY_AMOUNT)
    assert parsed.is_currency or parsed.currency is None


@given(_TEXT)
def test_idempotent(units: str) -> None:
    parsed = parse_units(units)
    assert parse_units(parsed.original_units) == parsed


@given(st.lists(_WORDS, max_size=8))
def test_white_space_does_not_count(words: list[str]) -> None:
    assert _facts(parse_units(" ".join(words))) == _facts(parse_units("  " + " \t ".join(words) + "\n"))


@pytest.mark.parametrize(
    "units",
    ["USD Million", "Percent of GDP", "Index, 2010=100", "Thousand Barrels per Day", "US dollars per barrel", "years"],
)
@pytest.mark.parametrize("change", [str.lower, str.upper, str.title, str.swapcase])
def test_case_does_not_count(units: str, change: object) -> None:
    assert callable(change)
    assert _facts(parse_units(change(units))) == _facts(parse_units(units))


@pytest.mark.parametrize("code", sorted(currencies.CODES))
@pytest.mark.parametrize(("word", "factor"), [("Million", 1e6), ("Billion", 1e9), ("Hundred Million", 1e8)])
def test_every_code_is_read_back(code: str, word: str, factor: float) -> None:
    parsed = parse_units(f"{code} {word}")
    assert (parsed.currency, parsed.multiplier, parsed.is_currency) == (code, factor, True)
    assert parse_units(code).currency == code
