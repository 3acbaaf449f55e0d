# SPDX-License-Identifier: MIT
"""A headless Chromium over its DevTools pipe: no driver and no package, so nothing can be out of step.

    with Chromium() as browser:
        tab = browser.open(path, dark=True)
        tab.evaluate("document.title")
        assert not tab.problems and not tab.requests
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb")
PATIENCE_S = 60


def executable():
    """The browser's path, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def give(commands, answers):
    """DevTools reads commands on descriptor 3 and answers on 4, each ended by a zero byte."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (commands, answers)]
    for target, fd in enumerate(high, 3):
        os.dup2(fd, target)


class Chromium:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="lineprof-chromium-")
        to_read, self.to_write = os.pipe()
        self.to_listen, to_answer = os.pipe()
        self.process = subprocess.Popen(
            [executable(), *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self.home}"],
            close_fds=False, preexec_fn=lambda: give(to_read, to_answer),  # Python's own do not survive an exec
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_answer)
        self.buffer = b""
        self.last = 0
        self.tabs = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            self.call("Browser.close")
        except (OSError, EOFError):
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to_write)
        os.close(self.to_listen)
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, session=None, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_write, data):]
        return self.listen(self.last)

    def listen(self, wanted):
        """Reads until the answer to `wanted`; hands events to their tabs."""
        while True:
            message = self.receive()
            if message.get("id") == wanted:
                if "error" in message:
                    raise RuntimeError(message["error"]["message"])
                return message["result"]
            if message.get("sessionId") in self.tabs:
                self.tabs[message["sessionId"]].event(message["method"], message["params"])

    def receive(self):
        until = time.monotonic() + PATIENCE_S
        while b"\0" not in self.buffer:
            if not select.select([self.to_listen], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            data = os.read(self.to_listen, 1 << 16)
            if not data:
                raise EOFError("Chromium has ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, path, fragment="", width=1440, height=900, dark=False):
        return Tab(self, f"file://{path}{fragment}", width, height, dark)


class Tab:
    """One page. `problems`: what the console and the policy complained of. `requests`: all but itself."""

    def __init__(self, browser, address, width, height, dark):
        self.browser, self.address, self.problems, self.requests, self.loaded = browser, address, [], [], False
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.tabs[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.protocol === 'file:'")
        self.settle()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def event(self, method, params):
        if method == "Runtime.consoleAPICalled":
            self.problems.append(str([argument.get("value") for argument in params["args"]]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded":
            self.problems.append(params["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.problems.append("dialog: " + params["message"])
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if url.split("#")[0] != self.address.split("#")[0] and not url.startswith("data:"):
                self.requests.append(url)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", expression))
        return answer["result"].get("value")

    def wait(self, condition):
        until = time.monotonic() + PATIENCE_S
        while not self.evaluate(condition):
            if time.monotonic() > until:
                raise TimeoutError(condition)
            time.sleep(0.02)

    def settle(self):
        """Two frames later, when observers have run and what changed is drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def click(self, selector):
        box = self.evaluate(f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                            " return [b.x + b.width / 2, b.y + b.height / 2]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
        self.settle()

    def press(self, key):
        text = key if len(key) == 1 else ("\r" if key == "Enter" else "")
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.settle()

    def screenshot(self, path):
        self.settle()
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
