"""The free-form attributes of channels, members, messages and users: a text that holds JSON."""

from __future__ import annotations

NO_ATTRIBUTES = "{}"
"""What attributes that were never set read as. Source: chat-v1 Channel.attributes."""
