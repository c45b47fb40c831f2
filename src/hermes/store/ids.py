"""Ids of sessions and runs."""

import os
import time


def new_session_id(now: float | None = None) -> str:
    """`YYYYMMDD_HHMMSS_<6 hex>`: sorts by local start time, and is short enough to type."""
    started = time.localtime(time.time() if now is None else now)
    return f"{time.strftime('%Y%m%d_%H%M%S', started)}_{os.urandom(3).hex()}"


def new_run_id() -> str:
    """`run_<32 hex>`."""
    return f"run_{os.urandom(16).hex()}"
