from adapters.channels.webhook.channel import WebhookChannel

__all__ = ["WebhookChannel"]
