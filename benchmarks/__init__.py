"""How fast and how good: one command each, JSON out."""
