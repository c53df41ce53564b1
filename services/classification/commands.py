"""Commands that this pipeline adds to `sluice`: target and help line. Nothing is imported until one is called."""

COMMANDS = {
    "evaluate": ("services.classification.evaluation:evaluate", "Measure accuracy against labelled indicators."),
    "review": ("services.classification.review_command:review", "Decide what waits for a person."),
}
