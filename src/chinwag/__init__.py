"""Chinwag: a self-hosted server for the Programmable Chat API."""

__version__ = "0.1.0"
