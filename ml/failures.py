"""Words and codes by which a text tells of a failure, or of one that was put right.

They are a prior only: what the words of a system mean is learned from its levels and from labels.
"""

from __future__ import annotations

import re

# Beginnings of words of failure in other languages than English, and such words of languages without spaces.
BEGINNINGS = (
    r"fehler|fehlgeschlagen|abgebrochen|unm[oö]e?glich|[eé]chec\b|[eé]chou|impossible|erreur|interrompu|fall[oó]\b|errores|"
    r"imposible|erro\b|falha|errore|fallit|ошибк|сбой|отказ"
)
ELSEWHERE = "错误|失败|异常|エラー|失敗|異常|오류|실패"
# Beginnings of words.
FAILURE = re.compile(
    r"\b(?:err(?:or|no|eur)|fail|fatal|panic|exception|abort|crash|corrupt|lost\b|unable|cannot\b|can ?not\b|can't|"
    r"could not|refused|denied|reject|timed? ?out|unreachable|unavailable|invalid|illegal|missing|not found|broken|"
    r"kill|terminat|exhaust|exceed|overflow|violat|deadlock|unauthori[sz]|expired|unexpected|unrecogni[sz]ed|bad\b|"
    + BEGINNINGS
    + ")|"
    + ELSEWHERE,
    re.IGNORECASE,
)
# What says that it went well in spite of that, or that nothing of the kind occurred.
HEALED = re.compile(
    r"\b(?:correct(?:ed|able)|recover(?:ed|y complete)|repaired|resolved|restored|succe(?:ss|eded)|no errors?\b|"
    r"without error|behoben|erfolgreich|corrig|recuperad|resuelt|исправлен|успешно)",
    re.IGNORECASE,
)
NONE_OF = re.compile(
    r"(?<![\w.])0+ (?:\w+ )?(?:err|fail|lost|drop|exception|timeout|fehler)|"
    r"(?:err(?:or)?s?|fail(?:ed|ures?)?|lost|dropped|exceptions?|timeouts?|fehler)\w*\s*[:=]\s*0+(?![\w.])",
    re.IGNORECASE,
)
# Codes that say how something ended.
EXIT = re.compile(r"\b(?:exit(?:ed)?|exit[ _-]?code|rc)\b[^\d\n]{0,24}?(-?\d{1,3})(?![\d.])", re.IGNORECASE)
HTTP = re.compile(r"(?:\bHTTP\b\D{0,4}(?:/\d\.\d)?|\bstatus\b|\bresponse\b)[^\d\n]{0,12}\b(5\d\d)\b", re.IGNORECASE)


def words(text: str) -> bool:
    """Whether the text has a word of failure."""
    return FAILURE.search(text) is not None


def healed(text: str) -> bool:
    """Whether the text says that all is well again, or that there was no failure at all."""
    return HEALED.search(text) is not None or NONE_OF.search(text) is not None


def code(text: str) -> bool:
    """Whether an exit code or an HTTP status says that something failed."""
    ended = EXIT.search(text)
    return HTTP.search(text) is not None or (ended is not None and int(ended[1]) != 0)
