"""The pages of the console: they read rows and write answers; nothing is carried out here."""
