"""Search over playbooks, past incidents and any other Markdown."""

from ml.retrieval.answers import Answer, Hit
from ml.retrieval.confidence import ANSWERS
from ml.retrieval.retriever import Embed, Retriever

__all__ = ["ANSWERS", "Answer", "Embed", "Hit", "Retriever"]
