"""What the HTTP service may see of our environment: no credential by which anybody is paged or anything is done."""

from __future__ import annotations

from collections.abc import Mapping

from deployments.environment import for_workers

FOR_HTTP = "http.env"
# What tells its callers apart, and where it reads who they are.
VERIFYING = frozenset(
    {
        "SRE_HTTP__TOKEN",
        "SRE_HTTP__OPENID__CLIENT_SECRET",
        "SRE_PAGING__SLACK__SIGNING_SECRET",
        "SRE_PAGING__PAGERDUTY__WEBHOOK_SECRET",
        "SRE_PAGING__ON_CALL",
        "SRE_PAGING__MASK",
    }
)
# What its pages tell, and is no secret: whether anything is carried out, and how far playbooks may go.
TOLD = frozenset(
    {
        "SRE_MITIGATION__ACTING",
        *(f"SRE_MITIGATION__AUTONOMY__{name}" for name in ("START", "MOST", "PROOFS", "FAILURES")),
    }
)


def for_http(environ: Mapping[str, str]) -> dict[str, str]:
    """What the service may see."""
    seen = VERIFYING | TOLD
    return for_workers(environ) | {name: value for name, value in environ.items() if name.upper() in seen}
