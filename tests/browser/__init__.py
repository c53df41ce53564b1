"""A browser as a person uses it, for tests of the console and for its pictures."""
