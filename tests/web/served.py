"""`spondyl serve` in a process of its own, which can be killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx


class Server:
    """`spondyl serve` in a process of its own."""

    def __init__(self, *words: str, tmp: Path) -> None:
        command = [sys.executable, "-m", "spondyl", "serve", "--port", "0", *words]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(tmp), "OMP_NUM_THREADS": "1"},
        )
        self.address = self.process.stdout.readline().strip()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=20)

    def end(self, by=signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and what it said."""
        self.process.send_signal(by)
        _, said = self.process.communicate(timeout=120)
        return self.process.returncode, said
