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
# Words by which programs say that something went wrong, and codes by which they say how something ended.
FAILURE_WORDS = (
    "(?:"
    r"\b(?:fail(?:ed|ure|s|ing)?|errors?|exceptions?|traceback|panic|fatal|crash(?:ed|es|ing)?|abort(?:ed)?"
    r"|time[ds]?[ -]?outs?|timeouts?|refused|unavailable|unreachable|not responding|no response|reset by peer"
    r"|broken pipe|exhausted|out of memory|cannot|could not|can't|unable to|no space left|too many"
    r"|exceed(?:s|ed)?|deadlock|denied|unauthori[sz]ed|forbidden|invalid|expired|corrupt(?:ed|ion)?|overflow"
    r"|killed|terminated|anomal(?:y|ies|ous)|throttl(?:ed|ing)|pressure|rejected|lost)\b"
    r"|OutOfMemory|Exception\b|Error\b"
    r"|\bexit(?:ed)?(?: (?:with|code|status))*[ :=]+(?:[1-9]\d*|-\d+)\b"
    r"|\b(?:" + BEGINNINGS + ")|" + ELSEWHERE + ")"
)
# A status of HTTP that says so, where it is told as one; and numbers that only look like it.
STATUS = (
    r"\b(?:http\S*|status|code|returned|returns|response|responded|answered|replied|got|upstream|timeout|error)"
    r"\b[^\d\n]{0,24}\b(?:5\d\d|429)\b"
    r"|\b(?:5\d\d|429) (?:internal|bad|service|too many|not implemented|error)"
)
QUANTITY = (
    r"\b(?:5\d\d|429)(?:\.\d+)? ?(?:ms|s|sec|seconds?|m|min|minutes?|h|b|kb|mb|gb|bytes|%|percent|rows|entries|items"
    r"|requests|connections|users|records|lines|times|files|messages|logs|tasks|threads|of)\b"
)
# What says that nothing of the kind happened.
NONE_OF = (
    r"(?i)(?:^|[^\w.])(?:0+|no|without(?: any)?) (?:\w+ )?"
    r"(?:errors?|failed|failures?|lost|dropped|exceptions?|timeouts?|fehler)\b"
    r"|\b(?:errors?|fail(?:ed|ures?)?|lost|dropped|exceptions?|timeouts?|fehler)\s*[:=]\s*0+(?:[^\w.%]|$)"
)
# Words for a state that is none of health. Harmless texts hold them too, so they count only where the level says error.
STATE_WORDS = (
    r"\b(?:no (?:healthy|live|free|more|such|servers?|leader|nodes? match\w*)|insufficient|not enough|notready"
    r"|not (?:ready|healthy|available|valid|synchroni[sz]ed)|(?:does|do|has|is|was) not (?:exist|been|running|sent)"
    r"|back-?off|crashloop\w*|oom|oomkilled|evict(?:ed|ing)|restarted \d+ times|unhealthy|unschedulable|degraded"
    r"|dead-lettered|poison message|soft lockup|stall|stuck|blocked (?:for|by)|still waiting for|conflict"
    r"|skew(?:ed)?|clock .{0,20}(?:wrong|ahead|behind|unsynchroni[sz]ed)|too (?:large|great|high|late)|behind"
    r"|mismatch|malformed|unknown (?:directive|keyword|authority|ca|host)|used before issued"
    r"|overload(?:ed)?|shedding|all \d+ .{0,20}busy|consider raising|queue .{0,30}full|\d+ % full"
    r"|flooding|ddos|stuffing|brute[ -]force|limiting requests|pull rate limit|dropping packets?|packet loss"
    r"|is (?:open|down|growing)|to open|definitely down|has no server|leak|keeps (?:rising|growing)|expires in"
    r"|due to (?:lock|conflict)|e(?:ai_again|notfound|connrefused|connreset|nospc|mfile)|servfail|nxdomain)\b"
    r"|NOT_AVAILABLE|TooSkewed|InvalidAccessKey|CrashLoop|OutOfSync"
)
FAILURE = re.compile(FAILURE_WORDS, re.IGNORECASE)
# What says that it went well in spite of that, or that nothing of the kind occurred.
HEALED = re.compile(
    r"\b(?:correct(?:ed|able)|recover(?:ed|y complete)|repaired|resolved|restored|succe(?:ss|eded)|no errors?\b|"
    r"without error|behoben|erfolgreich|corrig|recuperad|resuelt|исправлен|успешно)",
    re.IGNORECASE,
)
NOTHING_FAILED = re.compile(NONE_OF)
# Codes that say how something ended.
EXIT = re.compile(r"\b(?:exit(?:ed)?|exit[ _-]?code|rc)\b[^\d\n]{0,24}?(-?\d{1,3})(?![\d.])", re.IGNORECASE)
HTTP = re.compile(r"(?:\bHTTP\b\D{0,4}(?:/\d\.\d)?|\bstatus\b|\bresponse\b)[^\d\n]{0,12}\b(5\d\d)\b", re.IGNORECASE)


def words(text: str) -> bool:
    """Whether the text has a word of failure."""
    return FAILURE.search(text) is not None


def healed(text: str) -> bool:
    """Whether the text says that all is well again, or that there was no failure at all."""
    return HEALED.search(text) is not None or NOTHING_FAILED.search(text) is not None


def code(text: str) -> bool:
    """Whether an exit code or an HTTP status says that something failed."""
    ended = EXIT.search(text)
    return HTTP.search(text) is not None or (ended is not None and int(ended[1]) != 0)
