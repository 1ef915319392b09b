"""From the settings to what may run unattended."""

from __future__ import annotations

from datetime import timedelta

from domain.asking import Budgets, Policy
from domain.plans import Risk
from domain.settings import MitigationSettings


def policy_of(limits: MitigationSettings, *, stopped: bool) -> Policy:
    """What the settings let run unattended."""
    return Policy(
        acting=limits.acting,
        paused=stopped,
        max_risk=Risk[limits.max_risk.upper()],
        min_confidence=limits.common_error_threshold,
        max_evidence_age=timedelta(seconds=limits.evidence_seconds),
        budgets=Budgets(
            target_pause=timedelta(seconds=limits.target_seconds),
            actions_per_hour=limits.actions_per_hour,
            kind_per_hour=limits.kind_per_hour,
            service_per_hour=limits.service_per_hour,
            target_per_day=limits.target_per_day,
            max_share=limits.max_share,
            max_ineffective=limits.max_ineffective,
        ),
    )
