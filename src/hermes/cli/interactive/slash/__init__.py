"""Slash commands: a table, and one small function each, by subject."""
