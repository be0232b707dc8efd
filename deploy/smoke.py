"""Build the composed system, use it, break it, and check that it recovers: ``make smoke``.

It can run beside a running system: it uses a separate compose project and other ports, and removes
its containers and volumes at the end. The first failed check ends it with exit code 1, one line
that names the failure, and the logs.

Environment: ``COMPOSE`` is the compose command (``docker compose``), ``ENGINE`` the command of the
container engine below it (``docker``). Standard library only.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "movie-search-smoke"
PORT, DEMO_PORT = 18000, 18100
SERVICES = ("redis", "ingest", "embedder", "query")
VOLUMES_OF = {
    "redis": ["/data"],
    "ingest": ["/data"],
    "embedder": ["/data", "/snapshots"],
    "query": ["/leases"],
}
MIB = 2**20
LIMITS = {  # MiB of memory and number of processes, as in docker-compose.yml
    "redis": (640, 32),
    "ingest": (1024, 128),
    "embedder": (3072, 256),
    "query": (2048, 128),
}
QUERY = {"query": "relaxing and funny, maybe a period piece", "k": 5}
TERMINAL = {"searchable", "incomplete", "failed", "cancelled"}


class Failed(Exception):
    """A check failed."""


class Answer(NamedTuple):
    """An HTTP response; ``body`` is None when it is not JSON."""

    status: int
    body: Any


def main() -> int:
    """Run all steps; returns the exit code."""
    system = System(
        shlex.split(os.environ.get("COMPOSE", "docker compose")),
        shlex.split(os.environ.get("ENGINE", "docker")),
    )
    started = time.monotonic()
    try:
        for step in STEPS:
            begun = time.monotonic()
            detail = step(system)
            took_s = time.monotonic() - begun
            say(f"{(step.__doc__ or '').splitlines()[0]} {detail or ''} ({took_s:.1f} s)")
    except (Failed, subprocess.CalledProcessError) as error:
        system.compose("logs", "--tail", "40", check=False, quiet=False)
        say(f"FAILED: {error}")
        return 1
    finally:
        system.compose("down", "--volumes", check=False)
    say(f"all checks passed in {time.monotonic() - started:.0f} s")
    return 0


class System:
    """The composed system: containers through the engine, the API through the published port."""

    def __init__(self, compose: list[str], engine: list[str]) -> None:
        self._compose = [*compose, "-p", PROJECT]
        self._engine = engine
        version = subprocess.run([*engine, "--version"], capture_output=True, check=True).stdout
        self.podman = b"podman" in version
        self._environment = {
            **os.environ,
            "MOVIE_SEARCH_PORT": str(PORT),
            "MOVIE_SEARCH_DEMO_SITE_PORT": str(DEMO_PORT),
        }

    def compose(self, *arguments: str, check: bool = True, quiet: bool = True) -> None:
        """Run a compose command."""
        done = subprocess.run(
            [*self._compose, *arguments],
            cwd=ROOT,
            env=self._environment,
            check=False,
            stdout=subprocess.PIPE if quiet else sys.stderr,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if check and done.returncode:
            raise Failed(f"compose {' '.join(arguments)}: {(done.stdout or '')[-2000:]}")

    def engine(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the container engine."""
        return subprocess.run(
            [*self._engine, *arguments], capture_output=True, text=True, check=False
        )

    def container(self, service: str) -> str:
        """The id of a service's container."""
        labels = (f"project={PROJECT}", f"service={service}")
        filters = [part for label in labels for part in ("-f", f"label=com.docker.compose.{label}")]
        ids = self.engine("ps", "--all", "--quiet", *filters).stdout.split()
        if len(ids) != 1:
            raise Failed(f"{service} has {len(ids)} containers")
        return ids[0]

    def inside(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container of a service, as its user."""
        return self.engine("exec", self.container(service), *command)

    def inspect(self, service: str, template: str) -> str:
        """A field of the description of a container."""
        return self.engine("inspect", "--format", template, self.container(service)).stdout.strip()

    def limit(self, service: str, names: tuple[str, ...]) -> int | None:
        """A limit in the control group of the container; None when there is no limit."""
        for name in names:
            value = self.inside(service, "cat", f"/sys/fs/cgroup/{name}").stdout.strip()
            if value:
                return int(value) if value.isdigit() else None
        return None

    def healthy(self, service: str) -> bool:
        """Whether the healthcheck of the container passes."""
        if self.podman:  # its timers need systemd
            return self.engine("healthcheck", "run", self.container(service)).returncode == 0
        return self.inspect(service, "{{.State.Health.Status}}") == "healthy"

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> Answer:
        """Send a request to the query service; status 0 when it does not answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                return Answer(response.status, _json(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _json(error.read()))
        except OSError:
            return Answer(0, None)

    def searches(self) -> bool:
        """Whether a search is answered with hits and evidence."""
        answer = self.ask("POST", "/search", QUERY)
        return answer.status == 200 and all(hit["evidence"] for hit in answer.body["hits"])

    def serves(self, snapshot_id: str) -> bool:
        """Whether the query service serves a snapshot."""
        answer = self.ask("GET", "/snapshot")
        return answer.status == 200 and answer.body["snapshot_id"] == snapshot_id

    def request_crawl(self) -> str:
        """Request a crawl of the demo site as soon as it is accepted; returns the run's id."""
        wait_for(lambda: self.ask("POST", "/admin/ingest", {"source": "demo"}, token=token())
                 .status in {202, 409}, "POST /admin/ingest is accepted")  # fmt: skip
        return self.runs()[0]

    def runs(self) -> list[str]:
        """The ids of the runs that Redis knows."""
        answer = self.ask("GET", "/admin/ingest", token=token())
        return [run["run_id"] for run in answer.body["runs"]]

    def run(self, run_id: str) -> dict[str, Any]:
        """The record of a run; empty while it is not available."""
        answer = self.ask("GET", f"/admin/ingest/{run_id}", token=token())
        return answer.body if answer.status == 200 else {}

    def crawl(self) -> dict[str, Any]:
        """Crawl the demo site and wait until the run is searchable."""
        return self.end_of(self.request_crawl())

    def end_of(self, run_id: str) -> dict[str, Any]:
        """Wait until a run has become searchable."""
        wait_for(lambda: self.run(run_id).get("state") in TERMINAL, f"run {run_id} ends", 180)
        run = self.run(run_id)
        expect(run["state"] == "searchable" and run["dead_lettered"] == 0, f"run ended as {run}")
        return run

    def crash(self, service: str) -> None:
        """Kill the service's process, as if it had run out of memory; compose restarts it."""
        before = self.inspect(service, "{{.State.StartedAt}}")
        # The parent of the service is the container's init; a process of `exec` has no parent here.
        script = "kill -9 $(grep -l '^PPid:.1$' /proc/[0-9]*/status | cut -d/ -f3)"
        # The exit code means nothing: the container may be gone before it is read.
        self.inside(service, "sh", "-c", script)
        wait_for(
            lambda: (
                self.running(service) and self.inspect(service, "{{.State.StartedAt}}") != before
            ),
            f"{service} is restarted",
        )

    def running(self, service: str) -> bool:
        """Whether the container runs."""
        return self.inspect(service, "{{.State.Running}}") == "true"

    def wait_until_healthy(self) -> None:
        """Wait for all healthchecks."""
        for service in SERVICES:
            wait_for(lambda name=service: self.healthy(name), f"{service} is healthy", 300)  # type: ignore[misc]


class Searching(threading.Thread):
    """Searches continuously, and counts the searches that fail."""

    def __init__(self, system: System) -> None:
        super().__init__(daemon=True)
        self._system = system
        self._stop_asked = threading.Event()
        self.asked = self.failed = 0

    def run(self) -> None:
        """Search until the context ends."""
        while not self._stop_asked.wait(0.05):
            self.asked += 1
            self.failed += not self._system.searches()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_asked.set()
        self.join()


def build(system: System) -> str:
    """Images built."""
    subprocess.run([str(ROOT / "deploy" / "make_secrets.sh")], check=True)
    system.compose("build")
    return ""


def start(system: System) -> str:
    """Four containers started; their healthchecks pass."""
    system.compose("up", "--detach", "--no-build")
    system.wait_until_healthy()
    return ""


def harden(system: System) -> str:
    """No root user, only volumes are writable, no visible secret, no torch in query."""
    for service in SERVICES:
        expect(system.inside(service, "id", "-u").stdout.strip() != "0", f"{service} is root")
        for path in ("/", "/app", "/usr/local/bin", "/etc"):
            touched = system.inside(service, "touch", f"{path}/x").returncode == 0
            expect(not touched, f"{service} can write to {path}")
        for folder in VOLUMES_OF.get(service, []):
            script = f"touch {folder}/.x && rm {folder}/.x"
            written = system.inside(service, "sh", "-c", script).returncode == 0
            expect(written, f"{service} cannot write to {folder}")
        shown = system.engine("inspect", system.container(service)).stdout
        for secret in (ROOT / "secrets").iterdir():
            expect(secret.read_text().strip() not in shown, f"inspect {service} shows {secret}")
        script = "tr '\\0' ' ' </proc/1/environ; cat /proc/[0-9]*/cmdline"
        shown = system.inside(service, "sh", "-c", script).stdout
        expect(
            (ROOT / "secrets/redis_password").read_text() not in shown,
            "a process shows the Redis password",
        )
    touched = system.inside("query", "touch", "/snapshots/x").returncode == 0
    expect(not touched, "query can write to the snapshots")
    for service, module in (("query", "torch"), ("query", "transformers"), ("ingest", "torch")):
        installed = system.inside(service, "python", "-c", f"import {module}").returncode == 0
        expect(not installed, f"{service} has {module}")
    for arguments in (["get", "x"], ["--user", "health", "--pass", "none", "get", "x"]):
        reply = system.inside("redis", "redis-cli", *arguments).stdout
        expect("NOAUTH" in reply or "NOPERM" in reply, f"redis answered {reply!r} without a login")
    for service in ("redis", "embedder"):
        ports = system.engine("port", system.container(service)).stdout.strip()
        expect(not ports, f"{service} is published on {ports}")
    return ""


def confine(system: System) -> str:
    """The kernel enforces: no capabilities, no new privileges, memory and process limits."""
    for service in SERVICES:
        # The first process is the container's init, which starts the service with its own rights.
        lines = system.inside(service, "cat", "/proc/1/status").stdout.splitlines()
        status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
        expect("0" not in status["Uid"] + status["Gid"], f"{service} is root: {status['Uid']}")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            expect(int(status[name][0], 16) == 0, f"{service} has {name} {status[name][0]}")
        expect(status["NoNewPrivs"] == ["1"], f"{service} can gain privileges")
        mounts = {
            where: set(options.split(","))
            for _, where, _, options, *_ in map(
                str.split, system.inside(service, "cat", "/proc/mounts").stdout.splitlines()
            )
        }
        expect("ro" in mounts["/"], f"{service} has a writable root")
        expect({"noexec", "nosuid", "nodev"} <= mounts["/tmp"], f"{service}: /tmp can run programs")  # noqa: S108
        memory, processes = LIMITS[service]
        for limit, names in (
            (memory * MIB, ("memory.max", "memory/memory.limit_in_bytes")),
            (processes, ("pids.max", "pids/pids.max")),
        ):
            actual = system.limit(service, names)
            expect(actual == limit, f"{service}: {names[0]} is {actual}, not {limit}")
    return ""


def images(system: System) -> str:
    """No image contains a secret in its history, settings or files; none starts as root."""
    for service in SERVICES:
        image = system.inspect(service, "{{.Image}}")
        user = system.engine("image", "inspect", "--format", "{{.Config.User}}", image).stdout
        expect(user.strip() not in {"", "root", "0"}, f"the image of {service} starts as {user!r}")
        shown = system.engine("history", "--no-trunc", image).stdout
        shown += system.engine("image", "inspect", image).stdout
        for secret in (ROOT / "secrets").iterdir():
            expect(
                secret.read_text().strip() not in shown, f"the image of {service} shows {secret}"
            )
        script = "find / -xdev \\( -name '.*_history' -o -name '.netrc' -o -name '.git' \\) -print"
        left = system.inside(service, "sh", "-c", f"{script} 2>/dev/null").stdout.split()
        expect(not left, f"the image of {service} has {left}")
    return ""


def first_crawl(system: System) -> str:
    """The demo site crawled and searched through the published port."""
    expect(system.ask("GET", "/readyz").status == 503, "ready without a snapshot")
    for wrong in (None, "0" * 64):
        status = system.ask("POST", "/admin/ingest", {"source": "demo"}, token=wrong).status
        expect(status == 401, f"POST /admin/ingest with token {wrong} returned {status}")
    run = system.crawl()
    expect(run["stored"] == run["crawled"] > 0, f"stored {run['stored']} of {run['crawled']}")
    wait_for(lambda: system.serves(run["snapshot_id"]), "its snapshot is served")
    hit = system.ask("POST", "/search", QUERY).body["hits"][0]
    with urllib.request.urlopen(hit["evidence"][0]["url"], timeout=10) as response:  # noqa: S310
        page = response.read().decode()
    expect(
        hit["movie"]["title"].split(" & ")[0] in page,
        "a review has a wrong link",
    )
    return f"{run['crawled']} reviews; first hit: {hit['movie']['title']}"


def second_crawl(system: System) -> str:
    """A second crawl stores nothing new."""
    run = system.crawl()
    expect(run["stored"] == 0 == run["embedded"], f"a second crawl stored {run['stored']} reviews")
    expect(run["duplicate"] == run["crawled"], f"{run['duplicate']} of {run['crawled']} known")
    return ""


def restarts(system: System) -> str:
    """Each service restarted, killed by the engine, and crashed: it comes back each time."""

    def restart(service: str) -> None:
        system.engine("restart", "-t", "30", system.container(service))

    def kill(service: str) -> None:
        # An engine may treat its kill as the operator's wish, and leave the container stopped.
        system.engine("kill", "--signal", "KILL", system.container(service))
        time.sleep(1)
        system.engine("start", system.container(service))

    results = []
    for service in SERVICES:
        for disturb in (restart, kill, system.crash):
            runs = system.runs()
            begun = time.monotonic()
            with Searching(system) as searching:
                disturb(service)
                wait_for(lambda name=service: system.healthy(name), f"{service} is healthy")  # type: ignore[misc]
                wait_for(system.searches, f"a search succeeds after {service} was down")
                took_s = time.monotonic() - begun
                run = system.crawl()
                expect(system.runs()[1:] == runs, f"Redis lost runs while {service} was down")
            expect(run["stored"] == 0, f"{run['stored']} reviews stored again")
            failed = searching.failed
            expect(service == "query" or failed == 0, f"{failed} searches failed without {service}")
            expect(searching.asked > failed, "no search succeeded")
            results.append(f"{service} {disturb.__name__} {took_s:.1f} s")
    return "; ".join(results)


def data_stay(system: System) -> str:
    """After down and up, the same snapshot is served without a crawl."""
    before, runs = system.ask("GET", "/snapshot").body, system.runs()
    system.compose("down")
    start(system)
    wait_for(system.searches, "a search succeeds")
    expect(system.ask("GET", "/snapshot").body == before, "another snapshot is served")
    expect(system.runs() == runs, f"Redis knows {len(system.runs())} of {len(runs)} runs")
    expect(system.crawl()["stored"] == 0, "the database had lost reviews")
    return ""


def crashes_during_a_crawl(system: System) -> str:
    """Each service crashed during a first crawl: nothing is missing at the end."""
    before = system.ask("GET", "/snapshot").body
    for service in ("redis", "ingest", "embedder"):
        system.compose("down", "--volumes")
        start(system)
        run_id = system.request_crawl()
        wait_for(lambda run=run_id: system.run(run).get("crawled", 0) > 100, "the crawl has begun")  # type: ignore[misc]
        expect(system.run(run_id)["state"] == "crawling", "the crawl ended too soon")
        system.crash(service)
        run = system.end_of(run_id)
        wait_for(lambda run=run: system.serves(run["snapshot_id"]), "its snapshot is served")  # type: ignore[misc]
        after = system.ask("GET", "/snapshot").body
        for what in ("movies", "reviews", "passages"):
            expect(after[what] == before[what], f"{what}: {after[what]}, not {before[what]}")
        expect(run["error"] is None, run["error"])
    return ""


STEPS: tuple[Callable[[System], str], ...] = (
    build, start, harden, confine, images, first_crawl, second_crawl, restarts, data_stay,
    crashes_during_a_crawl,
)  # fmt: skip


def token() -> str:
    """The admin token."""
    return (ROOT / "secrets" / "admin_token").read_text().strip()


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 90) -> None:
    """Wait until a condition holds.

    Raises:
        Failed: it does not hold in time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"not true after {timeout_s:.0f} s: {what}")
        time.sleep(0.25)


def expect(holds: bool, message: str) -> None:
    """Fail with a message unless a condition holds."""
    if not holds:
        raise Failed(message)


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"smoke: {text}", flush=True)


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return None


if __name__ == "__main__":
    sys.exit(main())
