"""Log templates: which messages say the same of other things."""

from ml.templates.miner import Template, TemplateMiner

__all__ = ["Template", "TemplateMiner"]
