"""What a person wants to change in a dead letter before it is replayed: by option, from a file, in an editor."""

import json
from pathlib import Path

import click

from shared.errors import UsageError
from shared.replaying import Edit, replace_by, set_fields
from shared.replaying.editing import EditError


def chosen_edit(assignments: tuple[str, ...], file: Path | None, *, in_editor: bool, letters: int) -> Edit | None:
    """The edit that the options ask for; None: the records come back as they were.

    `letters`: how many were named by id. Raises UsageError where a whole payload would be given to several.
    """
    if (bool(assignments) + (file is not None) + in_editor) > 1:
        raise UsageError("several edits at once", remedy="give one of --set, --payload and --edit")
    if assignments:
        return set_fields(assignments)
    if (file or in_editor) and letters != 1:
        raise UsageError("a payload is that of one dead letter", remedy="give one ID, or change many with --set")
    if file:
        return replace_by(file.read_bytes())
    return edit_in_editor if in_editor else None


def edit_in_editor(payload: bytes) -> bytes:
    """Open it in $EDITOR, JSON laid out for people. Raises EditError if it is no text or nothing was saved."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise EditError("its payload is not text; give a whole one with --payload") from None
    saved = click.edit(_laid_out(text), extension=".json")
    if saved is None:
        raise EditError("nothing was saved in the editor")
    return _closed_up(saved).encode()


def _laid_out(text: str) -> str:
    try:
        shown = json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n"
        shown.encode()  # half a surrogate pair cannot be: then it stays escaped, as it came
        return shown
    except (ValueError, RecursionError):
        return text


def _closed_up(text: str) -> str:
    """As one line if it is JSON; else as it is, for the check to say what is wrong."""
    try:
        return json.dumps(json.loads(text))
    except (ValueError, RecursionError):
        return text
