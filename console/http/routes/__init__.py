"""What can be asked of the service, one file for each of those who ask."""
