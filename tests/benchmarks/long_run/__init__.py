"""The long run: a million indicators through every stage, watched all the way and counted at the end."""
