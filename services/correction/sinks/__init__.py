"""Where corrected rows go. Postgres comes first and is the buffer of every other sink."""
