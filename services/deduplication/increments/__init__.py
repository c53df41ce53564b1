"""What happens between runs: new records, ids of groups that last."""
