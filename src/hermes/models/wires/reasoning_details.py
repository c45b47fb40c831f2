"""`reasoning_details`, as OpenRouter and MiniMax stream them: fragments to be sent back joined."""

from typing import Any

TEXT_FIELDS = ("text", "summary", "data")


class ReasoningDetails:
    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def add(self, fragments: list[Any]) -> str:
        """Joins the fragments to what came before. Returns the readable text in them."""
        said = ""
        for fragment in fragments:
            if not isinstance(fragment, dict):
                continue
            said += "".join(str(fragment.get(field) or "") for field in ("text", "summary"))
            if not self._joined(fragment):
                self.items.append(dict(fragment))
        return said

    def _joined(self, fragment: dict[str, Any]) -> bool:
        last = self.items[-1] if self.items else None
        if last is None or any(last.get(key) != fragment.get(key) for key in ("type", "index")):
            return False
        for key, value in fragment.items():
            if key in TEXT_FIELDS and isinstance(value, str):
                last[key] = (last.get(key) or "") + value
            elif value is not None:
                last[key] = value
        return True
