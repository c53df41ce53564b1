"""The embedded model on labelled rows that it has not seen: grouped cross-validation by concept.

A row whose concept (the head of its name) is among the training rows is judged by a model trained without every row of
that concept. A row about a concept that the shipped model never saw is judged by the shipped model itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from services.classification.model import EmbeddedModel
from services.classification.model.dataset import LabelledRow, read_labelled
from services.classification.model.folds import concept_groups, grouped_folds
from services.classification.model.train import supplement, train

Judgement = TypeVar("Judgement")
Judge = Callable[[EmbeddedModel, Sequence[int]], Awaitable[Mapping[int, Judgement]]]
"""(a model, places of rows that it has not seen) -> the judgement of each."""
Say = Callable[[str], None]


async def by_unknowing_models(
    rows: Sequence[LabelledRow], judge: Judge[Judgement], *, folds: int, seed: int, say: Say
) -> list[Judgement]:
    """A judgement of every row, by a model that knows nothing of its concept."""
    training = read_labelled()
    known = [*training, *supplement(training, ())]
    groups = concept_groups([row.name for row in [*known, *rows]]).tolist()
    seen = set(groups[: len(known)])
    mine = groups[len(known) :]
    fresh = [place for place, group in enumerate(mine) if group not in seen]
    found: dict[int, Judgement] = {}
    if fresh:
        say(f"{len(fresh)} rows are about concepts the shipped model never saw; it scores them itself")
        found.update(await judge(EmbeddedModel.load(), fresh))
    if len(fresh) < len(rows):
        everything = [*rows, *training]
        for number, (kept, left_out) in enumerate(grouped_folds(everything, folds, seed), start=1):
            places = [place for place in left_out.tolist() if place < len(rows) and place not in found]
            if not places:
                continue
            say(f"fold {number} of {folds}: training without {len(left_out)} rows, scoring {len(places)}")
            own = [everything[place] for place in kept.tolist() if place >= len(rows)]
            model = train(own, held_out=[everything[place] for place in left_out.tolist()])
            found.update(await judge(model, places))
    return [found[place] for place in range(len(rows))]
