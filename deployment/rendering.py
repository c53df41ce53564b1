"""Templates of generated files: YAML with `%{name}` where a declaration has something to say."""

import textwrap
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent / "templates"
HEADER = "# Generated from the declarations and deployment/templates/{name} by `make generate`.\n"


class _Placeholders(Template):
    delimiter = "%"  # `$` belongs to the variables of compose


def render(template: str, /, **values: object) -> str:
    """`template` with every placeholder filled; of a value with several lines all stand where it begins.

    Raises KeyError for a placeholder without a value.
    """
    lines = (FOLDER / template).read_text().splitlines(keepends=True)
    return "".join(_filled(line, values) for line in lines)


def headed(name: str, text: str) -> str:
    """A generated file: where it comes from, then what is in it."""
    return HEADER.format(name=name) + text


def _filled(line: str, values: dict[str, object]) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    filled = _Placeholders(line).substitute(values).rstrip("\n") + "\n"
    first, *rest = filled.splitlines(keepends=True)
    return first + textwrap.indent("".join(rest), indent)
