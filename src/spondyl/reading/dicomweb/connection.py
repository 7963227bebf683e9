"""One conversation with a DICOMweb server that is not trusted beyond its certificate.

`requests` speaks; what it does by itself is taken from it: it follows no redirect, looks into no
netrc and repeats nothing. A GET is asked again where the server was busy or the line broke before
it answered, a POST never. Compressed answers are refused, since a few bytes can unpack to any
number. Every way to fail ends in two lines that quote neither server nor request, as both may name
a patient. urllib3 logs what it finds odd, with the question in it, and is kept from the terminal.

dicomweb-client is not used: it writes files anew instead of sending them as they are, in chunks of
unstated length, of which an older Orthanc stored nothing and answered 200; it takes 429 MiB to send
a film of 150 MB and 572 to fetch it, where this takes no more than the idle process; and it repeats
itself, follows redirects and raises as `requests` does.
"""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import urljoin

import requests
import urllib3
from requests.auth import AuthBase
from requests.utils import get_environ_proxies

from spondyl.errors import SpondylError
from spondyl.reading.dicomweb import answers
from spondyl.reading.dicomweb.address import Address, same_origin

CONNECT_SECONDS, SILENCE_SECONDS = 10.0, 60.0
"""How long a server may take to be there, and to send its next bytes."""
PATIENCE_SECONDS, SLOWEST_BYTES_A_SECOND = 120.0, 8 << 10
"""An answer's beginning may take the first, and so may its body, which has another second for each
of the second, as has what is sent: a server that drips is left."""
WAITS_SECONDS = (0.5, 2.0)
"""Before a GET is asked for the second and third time."""
LARGEST_DOCUMENT_BYTES = 16 << 20
"""Of an answer in JSON, which is held in memory."""

_CHUNK_BYTES = 256 << 10
_MOST_REDIRECTS = 3
_BUSY = (429, 502, 503, 504)


class Body(Protocol):
    """What is sent: pieces whose length together is known beforehand."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __len__(self) -> int: ...


@dataclass(slots=True)
class Connection:
    """Requests to one server; a context that closes what is open."""

    server: Address
    auth: AuthBase | None = field(default=None, repr=False)
    ca_bundle: Path | None = None
    """Certificates that are trusted instead of the usual ones."""
    _session: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        session = requests.Session()
        session.trust_env = False
        session.verify = True if self.ca_bundle is None else _usable(self.ca_bundle)
        session.auth = self.auth
        session.headers.update(
            {"User-Agent": "spondyl", "Accept-Encoding": "identity", "Connection": "close"}
        )
        if not self.server.is_loopback:
            session.proxies.update(get_environ_proxies(self.server.url))
        self._session = session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @contextmanager
    def found(
        self, path: str, accept: str, query: Mapping[str, str] | None = None
    ) -> Iterator[requests.Response]:
        """The answer to a GET of `path` below the root, its body not read yet.

        Raises `ServerError` where there is none, and `SpondylError` where it is not one of success.
        """
        with self._faults():
            response = self._asked(f"{self.server.url}{path}", accept, query)
            try:
                answers.refuse_unless_success(response, self.server)
                yield response
            finally:
                response.close()

    def document(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What a GET answers with, as `application/dicom+json`; [] where it is empty (204).

        Raises `SpondylError` where the server says that it has more than it hands out at once.
        """
        with self.found(path, "application/dicom+json", query) as response:
            if "additional results" in response.headers.get("Warning", "").lower():
                raise answers.cut_short(self.server)
            if response.status_code == requests.codes.no_content:
                return []
            try:
                return self._document(response)
            except ValueError:
                raise answers.other_kind(response, self.server, "DICOM JSON") from None

    def sent(self, path: str, content_type: str, body: Body) -> tuple[requests.Response, Any]:
        """The answer to a POST of `body`, whatever its status, and its JSON (None if it has none).

        It is sent once. Raises `ServerError` where there is no answer, or one from elsewhere.
        """
        headers = {"Content-Type": content_type, "Accept": "application/dicom+json"}
        with self._faults():
            response = self._request("POST", f"{self.server.url}{path}", headers, None, body)
            try:
                if response.is_redirect:
                    raise answers.redirected(response, self.server)
                answers.refuse_unless_allowed(response, self.server)
                with suppress(ValueError):
                    return response, self._document(response)
                return response, None
            finally:
                response.close()

    def body(self, response: requests.Response) -> Iterator[bytes]:
        """The bytes of an answer as they arrive; `ServerError` where they come too slowly."""
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise answers.odd(self.server, "compresses its answer though it was asked not to")
        begun, received = time.monotonic(), 0
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            received += len(chunk)
            allowed = PATIENCE_SECONDS + received / SLOWEST_BYTES_A_SECOND
            if time.monotonic() - begun > allowed:
                raise answers.slow(self.server)
            yield chunk

    def _document(self, response: requests.Response) -> Any:
        """The JSON of an answer; ValueError where it is something else."""
        held = bytearray()
        for chunk in self.body(response):
            held += chunk
            if len(held) > LARGEST_DOCUMENT_BYTES:
                most = f"{LARGEST_DOCUMENT_BYTES >> 20} MiB"
                raise answers.odd(self.server, f"answers with more than {most} of JSON")
        try:
            return json.loads(held)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error

    def _asked(self, url: str, accept: str, query: Mapping[str, str] | None) -> requests.Response:
        """The answer to a GET, through a few redirects within the server."""
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._asked_patiently(url, {"Accept": accept}, query)
            if not response.is_redirect:
                return response
            response.close()
            url, query = _target(url, response), None
            if not same_origin(url, self.server):
                raise answers.redirected(response, self.server)
        raise answers.odd(self.server, f"redirects more than {_MOST_REDIRECTS} times")

    def _asked_patiently(
        self, url: str, headers: Mapping[str, str], query: Mapping[str, str] | None
    ) -> requests.Response:
        for wait in WAITS_SECONDS:
            try:
                response = self._request("GET", url, headers, query)
            except requests.exceptions.SSLError:
                raise
            except requests.exceptions.ConnectionError:
                time.sleep(wait)
                continue
            if response.status_code not in _BUSY:
                return response
            response.close()
            time.sleep(wait)
        return self._request("GET", url, headers, query)

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> requests.Response:
        asked = requests.Request(method, url, headers=dict(headers), data=body, params=query)
        # Each on a line of its own: the server may close one that is kept just as a POST sets out,
        # as Orthanc did with one in ten. The session itself would read the bodies of redirects.
        self._session.close()
        prepared, adapter = self._session.prepare_request(asked), self._session.get_adapter(url)
        allowed = PATIENCE_SECONDS + (0 if body is None else len(body)) / SLOWEST_BYTES_A_SECOND
        return self._in_time(
            lambda: adapter.send(
                prepared,
                stream=True,
                timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
                verify=self._session.verify,
                proxies=self._session.proxies,
            ),
            allowed,
        )

    def _in_time(self, ask: Callable[[], requests.Response], seconds: float) -> requests.Response:
        """What `ask` returns within so many seconds; a server may drip its header for days, and
        nothing but another thread would notice."""
        answer: Future[requests.Response] = Future()

        def run() -> None:
            try:
                answer.set_result(ask())
            except BaseException as error:  # noqa: BLE001  raised where the answer is waited for
                answer.set_exception(error)

        threading.Thread(target=run, name="spondyl-dicomweb", daemon=True).start()
        try:
            return answer.result(seconds)
        except TimeoutError:
            raise answers.slow(self.server) from None

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """What `requests` and urllib3 raise, as `ServerError`; what they log is not heard."""
        logger = logging.getLogger("urllib3")
        level = logger.level
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        except requests.exceptions.SSLError:
            raise answers.untrusted(self.server) from None
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            raise answers.slow(self.server) from None
        except urllib3.exceptions.HTTPError:
            raise answers.broken_off(self.server) from None
        except requests.exceptions.RequestException:
            raise answers.absent(self.server) from None
        finally:
            logger.setLevel(level)


def _usable(ca_bundle: Path) -> str:
    """The path of a file or folder of certificates; `SpondylError` where it holds none."""
    try:
        if ca_bundle.is_dir():
            next(ca_bundle.iterdir())
        else:
            ssl.create_default_context(cafile=str(ca_bundle))
    except (OSError, StopIteration):
        raise SpondylError(
            f"{ca_bundle}: no certificates can be read there",
            "Give a file of certificates in PEM form, or a folder that `openssl rehash` made.",
        ) from None
    return str(ca_bundle)


def _target(url: str, response: requests.Response) -> str:
    """Where a redirect leads; "" where that is no address."""
    try:
        return urljoin(url, response.headers["location"])
    except ValueError:
        return ""
