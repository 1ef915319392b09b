from adapters.channels.pagerduty.channel import PagerDutyChannel

__all__ = ["PagerDutyChannel"]
