"""Committed events on their way to whoever listens: in this process, or on every node."""
