"""The gate: who is asked before something happens, when, and what comes of the answer."""
