"""Talking to language models: three wire protocols behind one event type."""
