"""One HTTP endpoint that speaks the OpenAI way: JSON in, JSON or a stream of events out.

Only the transport lives here: timeouts, retries, and turning whatever goes wrong into an `Unavailable` that says whose
fault it was. What the JSON means is for `openai`.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import random
import time
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from dmha.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    import httpx2

_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504, 529})  # worth another try: busy, restarting, overloaded
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 20.0  # a caller who waits for a reply has left by then; told to wait longer, we say so instead
_CONNECT_S = 5.0
_MOST_BYTES = 1 << 27  # of one answer: five times what 256 vectors of 4,096 numbers take
_LEAST_WAIT_S = 0.001  # no time at all would be no limit
_ROLES = {"DMHA_CHAT": "chat model", "DMHA_EMBEDDER": "embedder", "DMHA_RERANKER": "reranker"}
_MESSAGE = 300  # of what a server says about its refusal: enough for the sentence, not for a page of HTML


class Endpoint:
    """A base URL with its key. Both calls raise `Unavailable`; the key stands in no message.

    `setting` is the name under which the reader configured it, so that an error can say what to mend. Proxies and
    credentials that happen to stand in the environment are not used (`trust_env=False`): what is sent is private, so
    it goes to the host that was named, and a proxy set for the web must not swallow calls to 127.0.0.1.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        setting: str,
        timeout_s: float = 60.0,
        retries: int = 2,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        import httpx2

        self.base_url = _checked_url(base_url)
        self._key = _checked_key(key)
        self._setting = setting
        self._retries = retries
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._jitter = jitter
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout_s = timeout_s
        self._until = math.inf
        self._unbounded: Endpoint | None = None
        self._client = httpx2.Client(headers=headers, trust_env=False)
        weakref.finalize(self, self._client.close)  # kept connections close with their owner; no one need call close()

    def unavailable(self, reason: str, fix: str) -> Unavailable:
        """The error that it does not work; its address is told to whoever configured it alone."""
        return Unavailable(self.base_url, reason, fix, role=_ROLES[self._setting])

    def within(self, seconds: float) -> Endpoint:
        """The same, over the same connections, which gives up when so much time has passed.

        A server that falls silent in the middle of an answer is waited for as long again at most.
        """
        bounded = copy.copy(self)
        bounded._until = time.monotonic() + seconds
        bounded._unbounded = self  # whose end closes the connections
        return bounded

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send one request and give its JSON object."""
        import httpx2

        with self._answer(path, body) as response:
            try:
                data = self._whole(response)
            except httpx2.RequestError as error:
                self._fail(f"its answer broke off ({_kind(error)})", "Ask again.", error)
            return self._object(data)

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Give each event's JSON object until `[DONE]`; a stream that ends before it is an error, as is one inside."""
        import httpx2

        with self._answer(path, body) as response:
            try:
                for event in httpx2.EventSource(response):
                    if event.data.strip() == "[DONE]":
                        return
                    if event.data:
                        yield self._object(event.data.encode())
                    if time.monotonic() >= self._until:
                        self._fail("its answer is not finished in time", "Give it longer, or ask for less.")
            except httpx2.SSEError as error:
                self._fail("its answer is no event stream", f"Check the address in {self._setting}.", error)
            except httpx2.RequestError as error:
                self._fail(f"its answer broke off ({_kind(error)})", "Ask again.", error)
        self._fail(
            "its answer broke off before [DONE]", "Ask again; if it happens each time, look at the server's log."
        )

    @contextlib.contextmanager
    def _answer(self, path: str, body: dict[str, Any]) -> Iterator[httpx2.Response]:
        """The open response to the first try that was accepted. Nothing is tried again once it is handed out."""
        response = self._accepted(path, body)
        try:
            yield response
        finally:
            response.close()

    def _accepted(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        import httpx2

        # Lone surrogates have no UTF-8; they become "?" rather than a crash.
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        for attempt in range(self._retries + 1):
            left = min(self._timeout_s, max(_LEAST_WAIT_S, self._until - time.monotonic()))
            request = self._client.build_request(
                "POST", self.base_url + path, content=content, headers={"Content-Type": "application/json"},
                timeout=httpx2.Timeout(left, connect=min(left, _CONNECT_S)),
            )  # fmt: skip
            wait = self._wait(attempt)
            try:
                response = self._client.send(request, stream=True)
            except httpx2.RequestError as error:
                if self._last(attempt, wait):
                    self._fail(
                        f"no answer ({_kind(error)})", f"Start it, or mend its address in {self._setting}.", error
                    )
                self._sleep(wait)
                continue
            if response.is_success:
                return response
            asked = _retry_after(response)
            wait = wait if asked is None else asked
            if response.status_code not in _PASSING or wait > _LONGEST_WAIT_S or self._last(attempt, wait):
                self._refused(response)
            response.close()
            self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _last(self, attempt: int, wait: float) -> bool:
        """Whether no other try can follow after that wait."""
        return attempt == self._retries or time.monotonic() + wait >= self._until

    def _wait(self, attempt: int) -> float:
        """Twice as long each time, and never the same for two clients that failed together."""
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0**attempt) * (0.5 + self._jitter() / 2)

    def _refused(self, response: httpx2.Response) -> NoReturn:
        import httpx2

        status = response.status_code
        try:
            said = self._said(self._whole(response))
        except httpx2.RequestError:
            said = ""
        finally:
            response.close()
        if status in (401, 403):  # what the server says here may quote the key
            self._fail(f"it refused the key (HTTP {status})", f"Give a valid key for {self._setting}.")
        if status in _PASSING:
            self._fail(f"HTTP {status}{said}", "Wait and ask again, or ask for a higher limit there.")
        self._fail(f"HTTP {status}{said}", f"Mend the address or the model's name in {self._setting}.")

    def _whole(self, response: httpx2.Response) -> bytes:
        """The answer, if it comes to an end: each piece in time, a server could go on for ever."""
        data, until = bytearray(), time.monotonic() + self._timeout_s
        for piece in response.iter_bytes():
            data += piece
            if len(data) > _MOST_BYTES or time.monotonic() > until:
                self._fail("its answer does not end", f"Check the address in {self._setting}.")
        return bytes(data)

    def _object(self, data: bytes) -> dict[str, Any]:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            self._fail(
                "its answer is not JSON", f"Check that the address in {self._setting} is an API, not a page.", error
            )
        if not isinstance(value, dict):
            self._fail("its answer is not a JSON object", f"Check the address in {self._setting}.")
        if value.get("error"):
            self._fail("it reported an error" + self._said(data), "Look at the server's log.")
        return value

    def _said(self, data: bytes) -> str:
        """`: what the server says`, shortened only when the key is out of it: half a key is a key's half."""
        said = _message(data)
        text = (said.replace(self._key, "***") if self._key else said)[:_MESSAGE]
        return f": {text}" if text else ""

    def _fail(self, reason: str, fix: str, cause: BaseException | None = None) -> NoReturn:
        raise self.unavailable(reason, fix) from cause


def _checked_url(given: str) -> str:
    import httpx2

    fix = "Give it as http://host:port/v1, the key apart."
    try:
        url = httpx2.URL(given)
    except httpx2.InvalidURL as error:
        raise InvalidInput("base_url", "is no address", fix) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidInput("base_url", "is no http(s) address", fix)
    if url.userinfo or url.query or url.fragment:  # they would stand in every error
        raise InvalidInput("base_url", "carries a user, a query or a fragment", fix)
    return str(url).rstrip("/")


def _checked_key(key: str | None) -> str | None:
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key and key):
        raise InvalidInput("key", "has characters that an HTTP header cannot carry", "Copy the key again, on one line.")
    return key


def _kind(error: Exception) -> str:
    """`ConnectError` to `connect error`: the class says what happened, its text may say nothing or too much."""
    name = type(error).__name__
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def _retry_after(response: httpx2.Response) -> float | None:
    """The seconds that the server asks to wait; its other form, a date, is left to our own pace."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() and value.isascii() else None


def _message(data: bytes) -> str:
    """What the server says, from {"error": {"message"}}, {"error"}, {"message"}, {"detail"} or plain text."""
    said: object = data.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(data)
        while isinstance(value, dict):
            value = value.get("error") or value.get("message") or value.get("detail")
        said = value or said
    return " ".join(str(said).split())
