"""What the sections of `config.yaml` are made of."""

from typing import Annotated

import msgspec

from hermes.home.time_zone import time_zone

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Money = Annotated[float, msgspec.Meta(ge=0)]
"""US dollars."""
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
OnOff = bool
"""In the file also yes/no, on/off, 1/0, enabled/disabled, quoted or not."""
TimeZone = Annotated[
    str, msgspec.Meta(description="a time zone such as Europe/Berlin, or empty", extra={"check": time_zone})
]
"""`check` raises ValueError for what is none."""
