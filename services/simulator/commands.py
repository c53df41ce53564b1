"""The command that the simulator adds to `sluice`: target and help line."""

COMMANDS = {
    "simulate-vendor": ("services.simulator.command:simulate_vendor", "Play OpenAI and Anthropic on this machine."),
}
