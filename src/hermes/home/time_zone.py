"""The time zone in which days are counted and dates are written."""

import datetime


def time_zone(name: str) -> datetime.tzinfo | None:
    """The zone of an IANA name; None, which is the machine's own, for the empty one. Raises ValueError."""
    if not name:
        return None
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"There is no time zone '{name}'.") from error
