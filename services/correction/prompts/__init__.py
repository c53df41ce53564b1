"""The correction as a language model is asked for it."""
