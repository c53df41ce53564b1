"""Runs: shards, the barrier between stages, worker processes, storage, results."""
