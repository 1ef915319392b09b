"""The outside world: one file or folder per foreign system, the only importer of its SDK."""
