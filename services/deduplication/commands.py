"""Commands that this pipeline adds to `sluice`: target and help line. Nothing is imported until one is called."""

COMMANDS = {
    "dedupe": ("services.deduplication.dedupe_command:dedupe", "Find records of the same company, and what to do."),
    "dedupe-runs": ("services.deduplication.runs_command:dedupe_runs", "List, show, pin and prune runs of `dedupe`."),
    "evaluate-dedupe": (
        "services.deduplication.evaluate_command:evaluate_dedupe",
        "Measure deduplication against a known truth.",
    ),
}
