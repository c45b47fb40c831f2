"""What the sections of `config.yaml` are made of."""

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Money = Annotated[float, msgspec.Meta(ge=0)]
"""US dollars."""
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
OnOff = bool
"""In the file also yes/no, on/off, 1/0, enabled/disabled, quoted or not."""
