"""Whether boards and alerts say what Sluice says: by name, and asked of a real Prometheus and database."""
