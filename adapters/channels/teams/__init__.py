from adapters.channels.teams.channel import TeamsChannel

__all__ = ["TeamsChannel"]
