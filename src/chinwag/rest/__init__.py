"""The REST API: the only place that knows there are two versions of it."""
