"""The gateway that any stage asks for structured answers."""
