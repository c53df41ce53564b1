"""What the listing commands ask the database, and how they lay it out; one module a subject."""
