"""How good the search is: the factory for the scorer, and how well its score tells what has no answer.

`python -m benchmarks.quality_retrieval FOLDER [OTHER]` prints JSON for a folder of documents.jsonl, queries.jsonl and
qrels.jsonl; the questions of OTHER are about something else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from domain.documents import Document
from ml.retrieval import ANSWERS, Retriever

Search = Callable[[str, int], list[tuple[str, float]]]
Rows = Sequence[Mapping[str, str]]


def retrieval(documents: Rows) -> Search:
    """The search that runs live, over documents with `id` and `text`; it gives (id, score) pairs, the best first."""
    retriever = Retriever().fit([Document(each["id"], each["text"]) for each in documents])

    def search(text: str, k: int) -> list[tuple[str, float]]:
        return [(hit.document.id, hit.score) for hit in retriever.search(text, k).hits]

    return search


def best_scores(documents: Rows, questions: Rows) -> list[float]:
    """The score of the best document for each question, 0 where nothing was found."""
    search = retrieval(documents)
    return [next((score for _, score in search(question["text"], 1)), 0.0) for question in questions]


def scores_without(documents: Rows, questions: Rows, relevant: Mapping[str, Sequence[str]]) -> list[float]:
    """The same where the documents that answer a question were never indexed, question by question."""
    groups: dict[frozenset[str], list[Mapping[str, str]]] = {}
    for question in questions:
        groups.setdefault(frozenset(relevant[question["id"]]), []).append(question)
    found: list[float] = []
    for answers, asked in groups.items():
        found += best_scores([each for each in documents if each["id"] not in answers], asked)
    return found


def told_apart(answerable: Sequence[float], others: Sequence[float]) -> float:
    """Share of pairs in which the answerable question scores higher (the area under the ROC curve)."""
    wins = sum((one > other) + 0.5 * (one == other) for one in answerable for other in others)
    return wins / (len(answerable) * len(others))


def rows(path: Path) -> list[dict[str, str]]:
    """Every line of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def judged(folder: Path, other: Path | None) -> dict[str, float]:
    """How well the score tells questions apart that have no answer, of two kinds."""
    documents, questions = rows(folder / "documents.jsonl"), rows(folder / "queries.jsonl")
    relevant = {each["query"]: each["relevant"] for each in rows(folder / "qrels.jsonl")}
    answerable = best_scores(documents, questions)
    kinds = {"own_document_removed": scores_without(documents, questions, relevant)}
    if other is not None:
        kinds["of_another_subject"] = best_scores(documents, rows(other / "queries.jsonl"))
    found = {f"auroc_{kind}": round(told_apart(answerable, scores), 4) for kind, scores in kinds.items()}
    share = {f"over_threshold_{kind}": _over(scores) for kind, scores in kinds.items()}
    return found | {"over_threshold_answerable": _over(answerable)} | share


def _over(scores: Sequence[float]) -> float:
    return round(sum(score >= ANSWERS for score in scores) / len(scores), 4)


def main() -> None:
    """Print one JSON document."""
    folder, *other = map(Path, sys.argv[1:])
    print(json.dumps(judged(folder, next(iter(other), None)), indent=2))


if __name__ == "__main__":
    main()
