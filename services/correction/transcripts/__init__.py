"""Reading transcripts: records out of files, rows out of records, one adapter a format."""
