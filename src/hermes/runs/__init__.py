"""Runs as durable objects: accept, claim, execute, recover."""
