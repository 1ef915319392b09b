"""The nouns and the decisions: frozen types, pure functions, settings, errors."""
