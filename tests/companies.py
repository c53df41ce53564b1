"""Exports of company accounts as a CRM writes them, with the truth about which rows are one company.

    python -m tests.companies --rows 94152 --seed 1 --into companies.csv --truth truth.csv

Rows of one company differ as people write names: typing errors, words in another order or run together, plurals,
abbreviations, another way to write the legal form or none, the number of a store, "doing business as". Companies that
differ in legal form alone, or in the number of a local or a fund, are different ones.
"""

import argparse
import csv
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

HEADERS = (
    *("Account ID", "Account Name", "Created Date", "Relationship", "Parent Account ID", "Main Address"),
    *("Main Country", "Account Owner: Full Name"),
)
COMPANY, SEVERAL, JUNK = "company", "several", "junk"


def _words(text: str) -> list[str]:
    return text.split()


_FORMS = {
    "INC": ("Inc", "Inc.", ", Inc.", "Incorporated"),
    "LLC": ("LLC", "L.L.C.", ", LLC", "Limited Liability Company"),
    "CORP": ("Corp", "Corp.", "Corporation"),
    "LTD": ("Ltd", "Ltd.", "Limited"),
    "PC": ("PC", "P.C."),
    "NONE": ("",),
}
_FORM_SHARES = (36, 30, 9, 5, 3, 17)
_FAMILIES = _words(
    "Abbott Becker Castillo Dubois Egan Farrell Giordano Hoang Ibarra Jansen Kowalski Lindqvist Moreau Núñez "
    "Okafor Petrov Quintero Rasmussen Sørensen Takeda Ulrich Vargas Whitaker Xiong Yamada Zimmermann"
)
_TOWNS = _words("Alameda Bristol Carson Dover Elgin Fargo Goshen Hilo Irving Juneau Keene Laredo Mobile Nampa Ogden")
_ROOTS = _words(
    "Silver Cedar Harbor Summit Prairie Falcon Granite Liberty Pioneer Coral Amber Willow Meadow Ridge Canyon"
)
_TRADES = (
    *("Plumbing", "Roofing", "Medical Group", "Dental Offices", "Security Services", "Staffing", "Construction"),
    *("Landscaping", "Auto Parts", "Restaurant", "Bakery", "Logistics", "Manufacturing", "Property Management"),
    *("Technologies", "Consulting", "Law Offices", "Home Care", "Electric", "Foods", "Distribution", "Realty"),
    *("Systems", "Associates", "International", "Cleaning Services", "Insurance Agency", "Fitness Centers"),
)
_NUMBERED = ("Teamsters Local {}", "Elks Lodge {}", "Fund {} Partners", "Fire District {}", "Holding Company {}")
_SHORT = dict(
    pair.split("=")
    for pair in _words(
        "Services=Svcs International=Intl Manufacturing=Mfg Associates=Assoc Systems=Sys Management=Mgmt "
        "Technologies=Tech Centers=Ctrs Medical=Med and=& Group=Grp"
    )
)
_JUNK = ("N/A", "unknown", "test", "not sure", "no paystub", "-", "??", "x", "1099", "do not use", "None", "tbd", "123")
_SOURCES = (
    *("Company Name on Paystubs", "Company Name on Paycheck", "Company Name on W-2", "Per PNC, Company Name"),
    *("Company Name on Arbitration", "Company Logo on Emails", "Franchise Name (Not a direct employee)", "", "Rumour"),
)
_ONSETS, _VOWELS = _words("b d f g k l m n p r s t v z br cr dr fl gr pl st tr"), _words("a e i o u an el or")
_SYLLABLES = [onset + vowel for onset in _ONSETS for vowel in _VOWELS]
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Company:
    """One true company."""

    name: str
    form: str
    drops_form: bool = True
    has_stores: bool = False
    trades_as: str | None = None


@dataclass(frozen=True)
class Row:
    """One row of the export and the truth about it."""

    cells: tuple[str, ...]
    company: int
    kind: str


class Companies:
    """Makes companies and what people write for them; the same seed makes the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._known: set[str] = set()

    def rows(self, count: int) -> list[Row]:
        """Rows in no order: mostly companies, 2 % of them rows of no company or of two."""
        names = self._company_rows(count - count // 50)
        names += [(self._random.choice(_JUNK), -1 - place, JUNK) for place in range(count - len(names) - count // 250)]
        several = [name for name, _, _ in self._random.choices(names[: count // 2], k=2 * (count - len(names)))]
        names += [
            (f"{a}; {b}", -1 - count - n, SEVERAL)
            for n, (a, b) in enumerate(zip(several[::2], several[1::2], strict=True))
        ]
        self._random.shuffle(names)
        return [Row(self._cells(place, name), company, kind) for place, (name, company, kind) in enumerate(names)]

    def _company_rows(self, count: int) -> list[tuple[str, int, str]]:
        rows: list[tuple[str, int, str]] = []
        for number, company in enumerate(self._companies()):
            written: list[str] = []
            for _ in range(min(self._size(), count - len(rows) - len(written))):
                again = written and self._chance(0.4)
                written.append(self._random.choice(written) if again else self.write(company))
            rows += [(name, number, COMPANY) for name in written]
            if len(rows) >= count:
                return rows
        raise AssertionError("companies do not end")

    def _companies(self) -> Iterator[Company]:
        while True:
            form = self._random.choices(list(_FORMS), _FORM_SHARES)[0]
            name = self._fresh(self._name)
            if self._chance(0.02):  # siblings, of which only the legal form tells which is which
                yield from (
                    Company(name, sibling, drops_form=False) for sibling in self._random.sample(list(_FORMS)[:4], 2)
                )
            elif self._chance(0.015):
                yield Company(self._fresh(self._numbered), form)
            else:
                other = self._fresh(self._name) if self._chance(0.03) else None
                yield Company(name, form, has_stores=self._chance(0.02), trades_as=other)

    def _fresh(self, make: Callable[[], str]) -> str:
        """A name whose words no other company has, in any order or number."""
        while True:
            name = make()
            key = " ".join(sorted(word.rstrip("s") for word in name.lower().replace("&", "and").split()))
            if key not in self._known:
                self._known.add(key)
                return name

    def _name(self) -> str:
        pick = self._random.choice
        coined = "".join(pick(_SYLLABLES) for _ in range(pick((2, 3, 3, 4)))).capitalize()
        kinds = (
            lambda: f"{coined} {pick(_TRADES)}",
            lambda: f"{coined} {pick(_ROOTS)} {pick(_TRADES)}",
            lambda: f"{pick(_FAMILIES)} and {coined} {pick(_TRADES)}",
            lambda: f"{pick(_TOWNS)} {coined} {pick(_TRADES)}",
            lambda: f"The {coined} {pick(_ROOTS)}",
            lambda: coined,
        )
        return pick(kinds)()

    def _numbered(self) -> str:
        return self._random.choice(_NUMBERED).format(self._random.randrange(2, 100_000))

    def _size(self) -> int:
        """How many rows a company has: most one, few very many."""
        dice = self._random.random()
        return 1 if dice < 0.76 else 2 if dice < 0.88 else min(90, int(1 + self._random.paretovariate(1.2) * 2))

    def write(self, company: Company) -> str:
        """The company as somebody writes it."""
        words = company.name.split()
        if not words[-1].isdigit():
            for chance, change in (
                (0.1, self._plural),
                (0.12, self._short),
                (0.12, self._typo),
                (0.04, self._swap),
                (0.03, self._join),
            ):
                words = change(words) if self._chance(chance) else words
        if words[0] == "The" and self._chance(0.4):
            words = words[1:]
        name = " ".join(words)
        if company.has_stores and self._chance(0.4):
            name += self._random.choice((" #{0}", " Store {0}", " - {1}")).format(
                self._random.randrange(2, 9999), self._random.choice(_TOWNS)
            )
        name = self._with_form(name, company)
        if company.trades_as and self._chance(0.3):
            name = self._random.choice(("{} dba {}", "{} ({})")).format(name, company.trades_as)
        return self._random.choices((name, name.upper(), name.lower(), name.replace(" ", "  ", 1)), (88, 6, 3, 3))[0]

    def _with_form(self, name: str, company: Company) -> str:
        if company.form == "NONE" or (company.drops_form and self._chance(0.22)):
            return name
        written = self._random.choice(_FORMS[company.form])
        return f"{name}{written}" if written.startswith(",") else f"{name} {written}"

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _plural(self, words: list[str]) -> list[str]:
        last = words[-1]
        return [*words[:-1], last[:-1] if last.endswith("s") else f"{last}s"] if len(last) > 3 else words

    def _short(self, words: list[str]) -> list[str]:
        return [_SHORT.get(word, word) for word in words]

    def _typo(self, words: list[str]) -> list[str]:
        place = self._random.randrange(len(words))
        word = words[place]
        if len(word) < 5:
            return words
        at = self._random.randrange(1, len(word) - 1)
        wrong = self._random.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + self._random.choice("aeirst") + word[at + 1 :],
            )
        )
        return [*words[:place], wrong, *words[place + 1 :]]

    def _swap(self, words: list[str]) -> list[str]:
        return [words[1], words[0], *words[2:]] if len(words) > 2 else words

    def _join(self, words: list[str]) -> list[str]:
        return [words[0] + words[1].lower(), *words[2:]] if len(words) > 1 else words

    def _cells(self, place: int, name: str) -> tuple[str, ...]:
        pick = self._random.choice
        day = date(2019, 1, 1) + timedelta(days=self._random.randrange(2400))
        serial = str((day - date(1899, 12, 30)).days)
        created = self._random.choices((day.isoformat(), day.strftime("%m/%d/%Y"), serial), (85, 10, 5))[0]
        address = f"{self._random.randrange(1, 9999)} {pick(_ROOTS)} St, {pick(_TOWNS)}" if self._chance(0.3) else ""
        owner = f"{pick(('Sam', 'Dana', 'Alex'))} {pick(('Reed', 'Shah'))}"
        return (account_id(place), name, created, pick(_SOURCES), "", address, pick(("United States", "Canada")), owner)


def account_id(number: int) -> str:
    """An account id of 15 characters, in which case matters."""
    digits = ""
    for _ in range(8):
        number, rest = divmod(number, len(_LETTERS))
        digits = _LETTERS[rest] + digits
    return f"001Xy00{digits}"


def write_csv(path: Path, headers: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([headers, *rows])


def main() -> None:
    """Write an export, and the truth about it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    wish = parser.parse_args()
    rows = Companies(wish.seed).rows(wish.rows)
    write_csv(wish.into, HEADERS, (row.cells for row in rows))
    write_csv(wish.truth, ("Account ID", "company", "kind"), ((row.cells[0], row.company, row.kind) for row in rows))


if __name__ == "__main__":
    main()
