"""How people talk to the agent: the `sre` command line."""
