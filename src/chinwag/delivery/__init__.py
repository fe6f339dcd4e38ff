"""What this server sends to others on its own: webhooks and push."""
