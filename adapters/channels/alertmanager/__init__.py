from adapters.channels.alertmanager.channel import AlertmanagerChannel

__all__ = ["AlertmanagerChannel"]
