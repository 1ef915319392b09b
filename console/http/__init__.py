"""The HTTP service: people's answers, alerts of others, and logs come in here; `on-call` acts on them."""
