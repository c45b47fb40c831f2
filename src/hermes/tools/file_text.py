"""A file's bytes as text that can be edited and written back with nothing else changed. Pure."""

import codecs

import msgspec

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF87a", "GIF"), (b"GIF89a", "GIF"),
    (b"BM", "BMP"), (b"II*\x00", "TIFF"), (b"MM\x00*", "TIFF"), (b"\x00\x00\x01\x00", "ICO"),
)  # fmt: skip
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_SAMPLE = 8_192
"""Bytes looked at to tell text from binary."""


class TextFile(msgspec.Struct, frozen=True, kw_only=True):
    """Text with `\\n` line ends, and how to turn it into the file's bytes again."""

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    """The byte order mark it began with."""
    newline: str = "\n"
    """`\\r\\n` when every line end of the file was that. A mixture stays in the text as it is."""

    def encode(self, text: str) -> bytes:
        """`text` in this file's encoding, with its byte order mark and line ends."""
        if self.newline != "\n":
            text = text.replace("\r\n", "\n").replace("\n", self.newline)
        return self.mark + text.encode(self.encoding, "surrogateescape")


def decode(data: bytes) -> TextFile:
    """Bytes that are no valid text survive as surrogates, so that an edit elsewhere keeps them."""
    mark, encoding = next(
        ((mark, name) for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), (b"", "utf-8")
    )
    text = data[len(mark) :].decode(encoding, "surrogateescape")
    if text.count("\n") and text.count("\n") == text.count("\r\n"):
        return TextFile(text=text.replace("\r\n", "\n"), encoding=encoding, mark=mark, newline="\r\n")
    return TextFile(text=text, encoding=encoding, mark=mark)


def printable(text: str) -> str:
    """The text with a replacement character for what is no valid text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def image_kind(data: bytes) -> str | None:
    """`PNG`, `JPEG`, ..., told by the first bytes; None when it is no picture."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)


def is_binary(data: bytes) -> bool:
    """Whether the bytes are no text: NULs, many control characters, or UTF-16 by its mark alone."""
    mark, encoding = next(
        ((mark, name) for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), (b"", "")
    )
    if mark and encoding != "utf-8":
        try:
            data[len(mark) :].decode(encoding)
        except UnicodeDecodeError:
            return True
        return False
    sample = data[:_SAMPLE]
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x08\x1b" for byte in sample)
    return b"\x00" in sample or controls > len(sample) * 0.1
