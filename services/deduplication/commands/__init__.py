"""Commands that this pipeline adds to `sluice`: target and help line. Nothing is imported until one is called."""

COMMANDS = {
    "dedupe": ("services.deduplication.commands.dedupe:dedupe", "Find records of the same company, and what to do."),
    "dedupe-runs": ("services.deduplication.commands.runs:dedupe_runs", "List, show, pin and prune runs of `dedupe`."),
    "evaluate-dedupe": (
        "services.deduplication.commands.evaluate:evaluate_dedupe",
        "Measure deduplication against a known truth.",
    ),
}
