"""A sample page: two people chat in two tabs, with the vendor's own client library. Not part of the API."""
