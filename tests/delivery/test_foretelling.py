"""What webhooks are told of messages over REST, decided ahead: what is remembered, and when it is not."""
