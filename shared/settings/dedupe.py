"""Deduplication: where its data lie, and how many processes work on them."""

from pydantic import SecretStr

from shared.settings.concern import Concern, variable
from shared.settings.values import Count


class DedupeSettings(Concern):
    """What the stages of deduplication and the commands that start runs have to agree on."""

    storage: str | None = variable(
        "SLUICE_DEDUPE_STORAGE",
        default=None,
        meaning="folder or address (s3://bucket/prefix) that all stages and `sluice dedupe` reach; unset: the folder "
        "dedupe of the state directory",
    )
    storage_options: SecretStr | None = variable(
        "SLUICE_DEDUPE_STORAGE_OPTIONS",
        default=None,
        meaning="JSON object for the client of such an address, such as its endpoint_url and login",
    )
    workers: Count | None = variable(
        "SLUICE_DEDUPE_WORKERS", default=None, meaning="worker processes of a stage process; unset: one a core"
    )
    keep_runs: Count = variable(
        "SLUICE_DEDUPE_KEEP_RUNS", default=10, meaning="runs that `sluice dedupe-runs prune` leaves, the newest"
    )
