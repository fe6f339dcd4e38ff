"""The socket of client SDKs: Twilsock frames, HTTP through them, and the Sync objects that SDKs follow."""
