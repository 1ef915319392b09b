"""How sure it is that a document answers a question."""

from __future__ import annotations

import math

# Logistic regression over two sets of questions, with each question's own document there and taken out, and with
# the questions of the other set; fitted to either set alone the numbers are nearly these. See the guide.
BIAS = -3.5
PER_COSINE = 13.0  # of the n-grams of the question and the whole document
PER_SHARE = 2.2  # of the question's information that one block of the document has

# Below this nothing answers: of questions about other systems one or two in 100 lie above.
ANSWERS = 0.25


def confidence(cosine: float, share: float) -> float:
    """From 0 to 1; both arguments are from 0 to 1 and do not grow with the length of a question."""
    return 1 / (1 + math.exp(-(BIAS + PER_COSINE * cosine + PER_SHARE * share)))
