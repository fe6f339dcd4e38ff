"""The chat API of client SDKs: the same commands as over REST, for a user, within what roles permit.

Answers carry what an SDK reads of them; what changed comes to it as events.
"""
