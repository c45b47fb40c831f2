"""Whole protocol servers and in-memory pieces for tests, ours and yours."""
