"""How long it takes to index 10,000 documents and to search them: `python -m benchmarks.retrieval`, JSON out.

The documents are drawn from a vocabulary with the frequencies of natural text and hold headings, prose, lists
and commands, 2.2 kB each, as runbooks do. Each run is a fresh index; the worst of the runs is stated.
"""

from __future__ import annotations

import random
import time
from itertools import accumulate

from benchmarks.report import publish
from domain.documents import Document
from ml.retrieval import Retriever

DOCUMENTS = 10_000
SEARCHES = 200
RUNS = 3
WORDS = 30_000
SYLLABLES = ("ka", "lo", "mi", "ner", "po", "ra", "ser", "tu", "vi", "xon", "ze", "disk", "node", "pod", "Data", "Fail")


class Writer:
    """Writes texts by chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.vocabulary = ["".join(self.random.choices(SYLLABLES, k=self.random.randint(1, 4))) for _ in range(WORDS)]
        self.weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))

    def words(self, count: int) -> str:
        """So many words, frequent ones more often."""
        return " ".join(self.random.choices(self.vocabulary, cum_weights=self.weights, k=count))

    def runbook(self) -> str:
        """Headings, prose, a list and a command."""
        sections = [f"## {name}\n\n{self.words(60)}\n\n- {self.words(15)}\n- {self.words(15)}" for name in "ABC"]
        return f"# {self.words(4)}\n\n" + "\n\n".join(sections) + f"\n\n```\n{self.words(20)}\n```\n"


def run(seed: int) -> dict[str, float]:
    """Seconds of indexing, and the median and 99th percentile of a search in milliseconds."""
    writer = Writer(seed)
    documents = [Document(f"d{number}", writer.runbook()) for number in range(DOCUMENTS)]
    size = sum(len(document.text) for document in documents) / DOCUMENTS
    begun, worked = time.perf_counter(), time.process_time()
    retriever = Retriever().fit(documents)
    indexed, working = time.perf_counter() - begun, time.process_time() - worked
    took = []
    for _ in range(SEARCHES):
        question = writer.words(writer.random.randint(5, 30))
        begun = time.perf_counter()
        retriever.search(question, 5)
        took.append(1_000 * (time.perf_counter() - begun))
    took.sort()
    return {
        "document_characters": round(size),
        "index_seconds": round(indexed, 2),
        "index_cpu_seconds": round(working, 2),  # what it would take on a machine that does nothing else
        "search_ms_median": round(took[len(took) // 2], 2),
        "search_ms_p99": round(took[int(len(took) * 0.99)], 2),
    }


def main() -> None:
    """Print one JSON document."""
    runs = [run(seed) for seed in range(RUNS)]
    worst = {name: max(each[name] for each in runs) for name in runs[0]}
    publish("retrieval", {"documents": DOCUMENTS, "searches": SEARCHES, "worst": worst, "runs": runs})


if __name__ == "__main__":
    main()
