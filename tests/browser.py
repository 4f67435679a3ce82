"""Debian's Chromium, driven over a pipe: nothing to install beside it, no port, no network."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

HANDED_ON = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(commands, 3), os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads commands from its third file and answers on its fourth."""

PATIENCE = 60
"""Seconds an answer may take."""


class Page:
    """One tab. `complaints` are what stood in its console, `asked` the addresses it requested."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self.commands, self.answers = commands, answers
        self.read = b""
        self.number = 0
        self.asked_last = ""
        self.events: list[dict[str, Any]] = []
        self.session = ""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network", "DOM", "Accessibility"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        self.number, self.asked_last = self.number + 1, method
        session = {"sessionId": self.session} if self.session else {}
        self.commands.write(json.dumps({"id": self.number, "method": method, "params": params, **session}).encode() + b"\0")
        while (answer := self._next()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer.get("result", {})  # type: ignore[no-any-return]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.read:
            ready, _, _ = select.select([self.answers], [], [], PATIENCE)
            assert ready, f"the browser is silent; asked last: {self.asked_last}"
            more = os.read(self.answers.fileno(), 1 << 16)
            assert more, "the browser is gone"
            self.read += more
        text, _, self.read = self.read.partition(b"\0")
        return json.loads(text)  # type: ignore[no-any-return]

    def show(self, file: Path, *, width: int, dark: bool = False, media: str = "") -> None:
        self.events.clear()
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        scheme = "dark" if dark else "light"
        self.send("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.send("Page.navigate", url=file.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def ask(self, script: str) -> Any:
        """What the expression comes to in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    @property
    def complaints(self) -> list[str]:
        logged = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in logged]

    @property
    def asked(self) -> list[str]:
        return [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]

    def press(self, key: str) -> None:
        code = {"Tab": 9, "Enter": 13, " ": 32}[key]
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key if key != " " else "Space", windowsVirtualKeyCode=code, text=text)

    def picture(self, *, height: int | None = None) -> bytes:
        """A PNG of the page from its top, as long as it is or `height` pixels."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A tab of a browser of its own, headless, whose profile is kept in `profile`."""
    assert CHROMIUM
    to_read, commands = os.pipe()
    answers, to_write = os.pipe()
    line = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}", "--remote-debugging-pipe"]  # fmt: skip
    start = [sys.executable, "-c", HANDED_ON, str(to_read), str(to_write), *line]
    process = subprocess.Popen(start, pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(to_read)
    os.close(to_write)
    try:
        with os.fdopen(commands, "wb", buffering=0) as asking, os.fdopen(answers, "rb", buffering=0) as answering:
            yield Page(asking, answering)
    finally:
        process.kill()
        process.wait()
