"""What others send us by HTTP, one format a file."""
