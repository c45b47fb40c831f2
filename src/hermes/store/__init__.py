"""The durable facts: sessions, messages, runs, events, and the index to search them."""
