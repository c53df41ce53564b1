"""How good it is, where the truth is known."""
