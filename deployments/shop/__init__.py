"""Four small services that buy and sell nothing, but run, log and fail for real."""
