"""What tests stand on: a real PostgreSQL, a real server, and a client with good defaults."""
