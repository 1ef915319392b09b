"""The search over playbooks, past incidents and any other texts: one class, live, in benchmarks and in the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from domain.documents import Document
from domain.errors import BadInput, Refused, Unavailable
from ml.retrieval.answers import Answer, Hit
from ml.retrieval.confidence import confidence
from ml.retrieval.lexicon import Lexicon, Rankings, Scores
from ml.retrieval.matching import Question, shown_part, written

# Texts to vectors: float array of shape (n_texts, dimensions). May raise Unavailable or Refused.
Embed = Callable[[Sequence[str]], npt.NDArray[np.float64]]

LONGEST_EMBEDDED = 8_000  # characters of a text whose vector is asked for


class Retriever:
    """Rank documents by their words, by the words of their best block, and by n-grams, each with the same weight.

    Parameters
    ----------
    embed : callable, optional
        Gives vectors of texts, whose cosines are a fourth ranking. Where it fails, the answer does without and
        says so. Vectors change the order only: the score stays what the words make sure.
    excerpt_length : int, default=4,000
        Most characters of an excerpt.

    Method: BM25 (Robertson and Zaragoza, *The Probabilistic Relevance Framework*, 2009) and cosines of tf-idf,
    each divided by the best score of the question and summed.
    """

    def __init__(self, embed: Embed | None = None, excerpt_length: int = 4_000) -> None:
        self.embed = embed
        self.excerpt_length = excerpt_length

    def fit(self, documents: Sequence[Document]) -> Retriever:
        """Index the documents; their order changes nothing. Raises BadInput where two have one id."""
        self.documents_ = sorted(documents, key=lambda document: document.id)
        for one, next_one in zip(self.documents_, self.documents_[1:], strict=False):
            if one.id == next_one.id:
                raise BadInput(f"two documents have the id {one.id!r}; give each an id of its own")
        self.lexicon_ = Lexicon().fit(self.documents_)
        self.vectors_: Scores | None = None
        return self

    def search(self, text: str, limit: int = 5) -> Answer:
        """The documents that share most with the question, the best first; none for a question without words."""
        question = Question.of(text, self.lexicon_)
        if not self.documents_ or not question.words.terms:
            return Answer(())
        similar, degraded = self._similar(text)
        ranked = self.lexicon_.rankings(question.words, beside=similar)
        order = np.argsort(-ranked.fused, kind="stable")[:limit]
        return Answer(self._hits(question, [int(at) for at in order if ranked.fused[at] > 0], ranked), degraded)

    def _hits(self, question: Question, found: list[int], ranked: Rankings) -> tuple[Hit, ...]:
        hits: list[Hit] = []
        for at in found:
            document = self.documents_[at]
            score = confidence(float(ranked.cosines[at]), ranked.shares.get(at, 0.0))
            least = min([score, *(hit.score for hit in hits[-1:])])
            shown = shown_part(question, document, self.lexicon_, self.excerpt_length)
            hits.append(Hit(document, least, written(question, document), shown))
        return tuple(hits)

    def _similar(self, text: str) -> tuple[list[Scores], str]:
        """The ranking by vectors where there is one, and else why there is none."""
        if self.embed is None:
            return [], ""
        try:
            if self.vectors_ is None:
                self.vectors_ = _unit(self.embed([_whole(document) for document in self.documents_]))
            question = _unit(self.embed([text[:LONGEST_EMBEDDED]]))
        except (Unavailable, Refused) as error:
            return [], f"without embeddings: {error}"
        if question.shape[1] != self.vectors_.shape[1]:
            return [], "without embeddings: the endpoint changed the size of its vectors"
        return [np.maximum(self.vectors_ @ question[0], 0)], ""


def _whole(document: Document) -> str:
    return f"{document.title}\n{document.text}"[:LONGEST_EMBEDDED]


def _unit(vectors: Scores) -> Scores:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Scores = vectors / np.maximum(lengths, np.finfo(float).tiny)
    return found
