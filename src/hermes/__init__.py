"""A self-hosted AI agent that lives in one data directory."""

__version__ = "0.1.0"
