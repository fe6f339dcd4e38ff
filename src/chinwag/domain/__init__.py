"""Records, rules and events. Nothing here does I/O, reads a clock or knows SQL or a wire format."""
