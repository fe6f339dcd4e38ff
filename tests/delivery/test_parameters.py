"""What webhooks are told of each event, against the table of the reference."""
