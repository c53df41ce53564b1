"""The semantic currency flag."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classification.rules.currency import check_currency
from services.classification.rules.units import parse_units


@pytest.mark.parametrize(
    ("name", "units", "is_money", "code"),
    [
        ("Balance of Trade", "AWG Million", True, "AWG"),
        ("GDP per capita", "National currency", True, None),
        ("Gasoline Prices", "USD/Liter", True, "USD"),
        ("Electricity Price", "EUR/MWh", True, "EUR"),
        ("Money Supply M3", "THOUSAND", True, None),
        ("Federal Net Outlays", "Millions", True, None),
        ("Average Weekly Wages for Employees in Federal Government Establishments", "", True, None),
        ("Live Cattle", "", True, None),
        ("Alternative Official FX Rate", "XOF", False, None),
        ("Official exchange rate (LCU per US$, period average)", "LCU per US$, period average", False, None),
        ("PPP conversion factor, GDP (LCU per international $)", "LCU per international $", False, None),
        ("Exports of goods, Volume index", "Domestic currency", False, None),
        ("Arms exports", "SIPRI TIV Million", False, None),
        ("Number of people pushed below the poverty line", "$ 2011 PPP", False, None),
        ("Government Debt to GDP", "% of GDP", False, None),
        ("Consumer Price Index", "points", False, None),
        ("Employed Persons", "Thousand", False, None),
        ("Resident Population", "Millions", False, None),
        ("Retail Sales YoY", "", False, None),
    ],
)
def test_is_it_money(name: str, units: str, is_money: bool, code: str | None) -> None:
    found = check_currency(parse_units(units, name=name), name, units)
    assert (found.is_currency_denominated, found.detected_currency) == (is_money, code)


@given(st.text(max_size=80), st.text(max_size=40))
def test_no_code_without_money(name: str, units: str) -> None:
    found = check_currency(parse_units(units, name=name), name, units)
    assert found.is_currency_denominated or found.detected_currency is None
