"""The command for what somebody has in mind, to be copied."""

import shlex
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.deduplication import RunId
from services.deduplication.rules import Profile

Text = Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Number = Annotated[Annotated[int, Field(ge=1, le=512)] | None, BeforeValidator(lambda value: value or None)]


class Command(BaseModel):
    """What `sluice dedupe` is to do."""

    model_config = ConfigDict(frozen=True)

    file: Text = ""
    output: Text = "results"
    profile: Profile | Literal[""] = ""
    shards: Number = None
    workers: Number = None
    run_type: Literal["test", "dev", "prod"] = "prod"
    resume: RunId | Literal[""] = ""
    stage: Text = ""
    force: bool = False

    def line(self) -> str:
        """As a shell takes it."""
        begins = self.force or not self.resume  # a run that is gone on with keeps what it began with
        options: dict[str, object] = {
            "--output": self.output or "results",
            "--profile": self.profile,
            "--shards": self.shards if begins else None,
            "--workers": self.workers,
            "--run-type": self.run_type if self.run_type != "prod" else "",
            "--resume": self.resume,
            "--from": "" if begins else self.stage,
        }
        given = [part for name, value in options.items() if value for part in (name, str(value))]
        anew = ["--force"] if self.resume and self.force else []
        name = self.file or ("FILE" if begins else "")
        return shlex.join(["sluice", "dedupe", "run", *([name] if name else []), *given, *anew])


def about_run(run_id: str) -> list[str]:
    """Commands about a run."""
    return [f"sluice dedupe-runs {what} {run_id}" for what in ("show", "pin", "prune")]


def explain(run_id: str, account_ids: tuple[str, str]) -> str:
    """The command that tells why two accounts are in one group."""
    return shlex.join(["sluice", "dedupe", "explain", *account_ids, "--run", run_id])
