"""What a message on Kafka may look like, one wire format a file; each turns messages into the same columns."""
