"""A terminal for tests: a real pseudo-terminal, and a screen that shows what a person would see."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte


class Terminal:
    """A process on a pseudo-terminal."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], cwd: Path, columns: int, rows: int
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=2000, ratio=1)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.raw = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._closing.is_set():
            ready, _, _ = select.select([self._master], [], [], 0.1)
            if not ready:
                continue
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return
            with self._lock:
                self.raw += data
                self._stream.feed(data)

    def text(self) -> str:
        """All that a person could read, what has scrolled away included."""
        with self._lock:
            width = self._screen.columns
            gone = [
                "".join(line[column].data for column in range(width)).rstrip()
                for line in self._screen.history.top
            ]
            return "\n".join([*gone, *(line.rstrip() for line in self._screen.display)]).rstrip()

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def line(self, text: str) -> None:
        """Type a line and send it, as a person would: not in one burst."""
        self.wait_for("❯")
        self.type(text)
        self.wait_for(f"❯ {text}")
        self.type("\r")

    def paste(self, text: str) -> None:
        self.type(f"\x1b[200~{text}\x1b[201~")

    def wait_for(self, wanted: str, *, times: int = 1, seconds: float = 20.0) -> str:
        """Wait until `wanted` is there, at least so many times."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            text = self.text()
            if text.count(wanted) >= times:
                return text
            time.sleep(0.02)
        raise AssertionError(f"{wanted!r} did not appear; the terminal shows:\n{self.text()}")

    def wait_until_gone(self, unwanted: str, *, seconds: float = 20.0) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if unwanted not in self.text():
                return
            time.sleep(0.02)
        raise AssertionError(f"{unwanted!r} stayed; the terminal shows:\n{self.text()}")

    def wait(self, seconds: float = 20.0) -> int:
        """The exit code."""
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._closing.set()
        self._reader.join()
        os.close(self._master)
