"""What may be repeated of a quoted log: `domain/quoted.py`, the kinds of keys that a library knows, and patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib import import_module

import re2

from domain.quoted import MASK, Mask, any_of, mask_found, mask_quoted

# Plugins of detect-secrets that know a key by its look; their patterns are matched by RE2. Left out: entropy and
# IP addresses, which take ids for secrets, keywords (137 µs a line; `domain/quoted.py` knows names itself), and
# Artifactory, which takes the word APACHE2SERVER for a password.
PLUGINS = {
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "mailchimp": "MailchimpDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}
_LONG_REPEAT = re.compile(r"\{(\d+),\d{4,}\}")
Substitute = Callable[[str, str], str]


@lru_cache(maxsize=8)
def redaction(patterns: tuple[str, ...] = ()) -> Mask:
    """Masks secrets and personal data in quoted text; `patterns` are those of `paging.mask`."""
    own = tuple(mask_found(pattern) for pattern in patterns)

    def mask(text: str) -> str:
        masked = _without_keys(mask_quoted(text))
        for each in own:
            masked = each(masked)
        return masked

    return mask


def _without_keys(text: str) -> str:
    worth_a_look, substitutes = _known_keys()
    if worth_a_look(text):
        for substitute in substitutes:
            text = substitute(MASK, text)
    return text


@lru_cache(maxsize=1)
def _known_keys() -> tuple[Callable[[str], bool], tuple[Substitute, ...]]:
    """What the plugins look for; imported when the first text is masked, as that takes 0.3 s."""
    patterns = [_for_re2(pattern) for pattern in _patterns()]
    return any_of(patterns), tuple(re2.compile(pattern).sub for pattern in patterns)


def _patterns() -> Iterator[re.Pattern[str]]:
    for module, name in PLUGINS.items():
        found: Iterable[re.Pattern[str]] = getattr(import_module(f"detect_secrets.plugins.{module}"), name).denylist
        yield from found


def _for_re2(pattern: re.Pattern[str]) -> str:
    """As RE2 reads it, which has no look-ahead and counts to 1,000: a token may then be masked with what follows it."""
    text = _LONG_REPEAT.sub(r"{\1,}", pattern.pattern.replace(r"(?!\w)", ""))
    return f"(?i){text}" if pattern.flags & re.IGNORECASE else text
