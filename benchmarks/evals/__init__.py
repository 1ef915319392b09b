"""How well a language model serves the analysis of incidents, and a scripted one to measure that with."""
