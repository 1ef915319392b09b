"""The database: what is stored, and in which transaction."""
