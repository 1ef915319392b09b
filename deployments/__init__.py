"""Where it runs: bootstrap of a fresh machine, embedded parts, work pools."""
