"""Units, names and dates: whatever they say, the rules come to a classification that can be written down."""

import math
from random import Random

from schemas.classification import NormalizedIndicator
from schemas.indicator import Indicator, SamplePoint
from services.classification.normalize import normalized
from services.classification.rules.cumulative import detect
from services.classification.rules.currencies import code_of
from services.classification.rules.names import split_words
from services.classification.rules.periods import frequency_of_word, parse_date, spacing
from services.classification.rules.scales import from_field, number_factor
from services.classification.rules.time_inference import infer_time
from services.classification.rules.units import parse_units
from services.classification.samples import clean_points, statistics
from shared.runtime.codec import encode
from tests.fuzz.cases import fuzz
from tests.fuzz.material import drawn, many, words
from tests.fuzz.samples import LINES

FIELDS = ("units", "scale", "currency_code", "periodicity", "country", "odd", "definition", "")
UNITS = sorted({line["units"] for line in LINES if line.get("units")})
NAMES = sorted({line["name"] for line in LINES})
PIECES = [
    "USD Hundred Million", "BBL/D/1K", "% of GDP", "Index, 2010=100", "per 1,000 people", "LCU", "€ bn", "THS. tonnes",
    "US$ mn", "(2015 = 100)", "Percent change", "annual series", "1000 ha", "per", "/", "of", "1e9", "100 million",
]  # fmt: skip
units = words([*UNITS, *PIECES], "0123456789.,%$€£/()=-kKmMbBtT ")
names = words(NAMES, "abcdefghij %(),-:")
dates = words(
    ["2024-01", "2023-Q1", "Q1 2023", "FY 2020", "2020/21", "20240131", "31.12.2023", "Jan 2024", "2024Jan", "W53 2020",
     "last10YearsAvg", "2024-01-31T00:00:00Z", "12/31/2023", "1 January 2024", "2300", "0999", "2024M13", "2024-W53"],
    "0123456789-/.:QHSMWTZ ",
)  # fmt: skip
VALUES = (None, 0.0, 5e-324, 1.7e308, -1.7e308, 1.0, 100.0, 100.0)


def value(r: Random) -> float | None:
    return r.choice((r.choice(VALUES), r.uniform(-1e3, 1e3), r.uniform(-8e307, 8e307)))


def point(r: Random) -> SamplePoint | float:
    return SamplePoint(date=dates(r)[:64], value=value(r)) if r.random() < 0.8 else value(r) or 0.0


def fields(r: Random) -> dict[str, str]:
    given = {name: units(r)[:500] for name in FIELDS if r.random() < 0.5}
    return {**given, "indicator_id": "a", "name": names(r)[:1_000].strip() or "x"}


@fuzz("units", unit=drawn(units), name=drawn(names), scale=drawn(units), currency=drawn(units))
def test_units_are_always_something(unit: str, name: str, scale: str, currency: str) -> None:
    read = parse_units(unit, name=name, scale=scale, currency_code=currency)
    assert math.isfinite(read.multiplier)
    assert read.multiplier > 0
    assert 0 <= read.confidence <= 1
    assert read.original_units == unit
    assert type(read).model_validate_json(read.model_dump_json()) == read


@fuzz("units: their parts", text=drawn(lambda r: r.choice((units, names))(r)))
def test_parts_of_units_are_read_or_not(text: str) -> None:
    for factor in (from_field(text), number_factor(text)):
        assert factor is None or (math.isfinite(factor) and factor > 0)
    code = code_of(text)
    assert code is None or (len(code) == 3 and code.isascii())
    split_words(text)
    frequency_of_word(text)


@fuzz("dates", one=drawn(dates), others=drawn(many(dates, 5)))
def test_dates_are_days_or_nothing(one: str, others: list[str]) -> None:
    found = parse_date(one)
    assert found is None or 1000 <= found.year <= 2301
    gap = spacing([one, *others])
    assert gap is None or gap.days > 0


@fuzz("sample values", samples=drawn(many(point, 30)), name=drawn(names), unit=drawn(units))
def test_samples_make_statistics_and_patterns(samples: list[SamplePoint | float], name: str, unit: str) -> None:
    kept = clean_points(samples)
    told = statistics(kept)
    assert (told is None) == (not kept)
    if told:
        assert all(math.isfinite(number) for number in (told.minimum, told.maximum, told.mean, told.standard_deviation))
        assert type(told).model_validate_json(told.model_dump_json()) == told
    read = parse_units(unit)
    found = detect(kept, name=name, units=unit, unit=read)
    assert type(found).model_validate_json(found.model_dump_json()) == found
    time = infer_time(name=name, units=unit, unit=read, periodicity=name[:50], dates=[date for date, _ in kept])
    assert 0 <= time.confidence <= 1


@fuzz("indicators: normalization", given=drawn(fields))
def test_what_the_contract_lets_in_is_normalized(given: dict[str, str]) -> None:
    item = normalized(Indicator.model_validate(given))
    assert NormalizedIndicator.model_validate_json(encode(item)) == item
