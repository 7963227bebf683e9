"""A real DICOMweb server for tests: Orthanc of Debian's packages, on this machine, for a while.

`orthanc(folder)` is a context, `archive` a fixture that lasts as long as a module's tests; a module
says `from orthanc import archive` to have it. Where Orthanc or its plugin is not installed they
skip. Orthanc 1.10 cannot be bound to one address: it listens at all of them, and turns away whoever
is not on this machine (`RemoteAccessAllowed`).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

_PLUGIN = "libOrthancDicomWeb.so"
_PLACES = (
    Path("/usr/share/orthanc/plugins"),
    Path("/usr/lib/orthanc"),
    Path("/usr/local/share/orthanc/plugins"),
)
_STARTS_SECONDS = 30.0


@dataclass(frozen=True)
class Archive:
    """A running server, and what it holds as its own REST interface tells, without DICOMweb."""

    root: str
    """Of Orthanc itself."""
    who: tuple[str, str] | None = None
    """User and password; None where nobody has to say who they are."""

    @property
    def url(self) -> str:
        """The root of the DICOMweb services."""
        return f"{self.root}/dicom-web"

    @property
    def instances(self) -> list[str]:
        """The SOP instance UIDs of all that is stored, sorted."""
        rows = self._asked("/instances?expand").json()
        return sorted(row["MainDicomTags"]["SOPInstanceUID"] for row in rows)

    def file(self, sop_instance_uid: str) -> bytes:
        """The file of an object, as it was sent."""
        found = self._asked("/tools/lookup", "POST", sop_instance_uid).json()
        (path,) = (row["Path"] for row in found if row["Type"] == "Instance")
        return self._asked(f"{path}/file").content

    def empty(self) -> None:
        """Takes everything out of it."""
        for number in self._asked("/patients").json():
            self._asked(f"/patients/{number}", "DELETE")

    def _asked(self, path: str, method: str = "GET", data: str | None = None) -> requests.Response:
        with _session() as session:
            session.auth = self.who
            answer = session.request(method, f"{self.root}{path}", data=data, timeout=10)
        answer.raise_for_status()
        return answer


def program() -> str | None:
    """The path of Orthanc, or None where it is not installed."""
    return shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")


def plugin() -> Path | None:
    """The DICOMweb plugin, or None where it is not installed."""
    return next((place / _PLUGIN for place in _PLACES if (place / _PLUGIN).exists()), None)


@contextlib.contextmanager
def orthanc(folder: Path, **settings: Any) -> Iterator[Archive]:
    """A server that keeps what it is sent in `folder`, which is made; skips where Orthanc is
    missing. `settings` are those of its configuration, by their own names, such as
    `AuthenticationEnabled=True, RegisteredUsers={"reader": "secret"}`."""
    if program() is None or plugin() is None:
        missing = "Orthanc" if program() is None else "Orthanc's DICOMweb plugin"
        pytest.skip(f"no DICOMweb server: {missing} is not installed (orthanc, orthanc-dicomweb)")
    folder.mkdir(parents=True, exist_ok=True)
    process, port = _started(folder, settings)
    try:
        users = list(settings.get("RegisteredUsers", {}).items())
        yield Archive(f"http://127.0.0.1:{port}", users[0] if users else None)
    finally:
        process.kill()  # asked politely it takes two seconds, and there is nothing to save
        process.wait()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """An Orthanc that lets everybody of this machine in, empty when the module begins."""
    with orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


def _started(folder: Path, settings: dict[str, Any]) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(3):  # somebody may take the port between its choice and its use
        port = _free_port()
        configuration = folder / "orthanc.json"
        configuration.write_text(json.dumps({**_settings(folder, port), **settings}))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(program()), str(configuration)], stdout=log, stderr=log, cwd=folder
            )
        if _answers(port, process):
            return process, port
        process.kill()
        process.wait()
    raise RuntimeError(f"Orthanc did not start: {(folder / 'log').read_text()[-2000:]}")


def _settings(folder: Path, port: int) -> dict[str, Any]:
    return {
        "Name": "spondyl's tests",
        "StorageDirectory": str(folder / "stored"),
        "IndexDirectory": str(folder / "stored"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "SaveJobs": False,
        "Plugins": [str(plugin())],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + _STARTS_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError), _session() as session:
            answer = session.get(f"http://127.0.0.1:{port}/system", timeout=5)
            return answer.status_code in (200, 401) and process.poll() is None
        time.sleep(0.05)
    return False


def _session() -> requests.Session:
    """One that looks into no environment: no proxy, no netrc."""
    session = requests.Session()
    session.trust_env = False
    return session


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
