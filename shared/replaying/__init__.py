"""Giving dead letters another chance: the record as it was, or edited, back on the input of the stage that refused it.

What stands for the record is the row in the database. A record that comes back that way carries the number of its
round and the letters it has been, and after the last round it stays where it is: a poisoned item can never go round
for ever.
"""

from shared.replaying.editing import Edit, replace_by, set_fields
from shared.replaying.records import Terms, cycle_of, earlier, is_cut, original
from shared.replaying.replayer import Rehearsal, Replay, Replayer

__all__ = [
    "Edit",
    "Rehearsal",
    "Replay",
    "Replayer",
    "Terms",
    "cycle_of",
    "earlier",
    "is_cut",
    "original",
    "replace_by",
    "set_fields",
]
