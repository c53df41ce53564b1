"""Correction of chat transcripts: typos of what people typed, and nothing else."""
