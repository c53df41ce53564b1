"""What every command has in common, whichever package it lies in: how it prints, and how it reaches the servers."""
