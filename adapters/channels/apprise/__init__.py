from adapters.channels.apprise.channel import AppriseChannel

__all__ = ["AppriseChannel"]
