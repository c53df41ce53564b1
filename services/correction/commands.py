"""Commands that this pipeline adds to `sluice`: target and help line. Nothing is imported until one is called."""

COMMANDS = {
    "correct": ("services.correction.correct_command:correct", "Correct what people typed in chat transcripts."),
    "correction-runs": ("services.correction.runs_command:correction_runs", "List, verify and roll back such runs."),
    "evaluate-correction": (
        "services.correction.evaluate_command:evaluate_correction",
        "Measure corrections against labelled texts.",
    ),
}
