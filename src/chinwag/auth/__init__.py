"""Who is calling. The edges ask; a `Caller` of `chinwag.domain` is the answer."""
