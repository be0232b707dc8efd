"""Rules for docker-compose.yml; each rule must catch a file that breaks it."""

from __future__ import annotations

import copy
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.ingest.supervisor.crawl_process import STOP_GRACE_S
from services.query.http.server import GRACE_S
from shared.settings import NAMES, PREFIX
from tests.unit.deploy.dockerfile import read_dockerfile

ROOT = Path(__file__).parents[3]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = read_dockerfile(ROOT / "deploy" / "Dockerfile")
SERVICES = {"redis", "ingest", "embedder", "query"}
TMP = "/tmp"  # noqa: S108 - of a container
DRAIN_S = {"query": GRACE_S, "ingest": 2 * STOP_GRACE_S, "embedder": 30, "redis": 10}

Compose = dict[str, Any]
Rule = Callable[[Compose], list[str]]


def each(file: Compose, holds: Callable[[str, Any], bool]) -> list[str]:
    """Names of the services for which something does not hold."""
    return [name for name, service in file["services"].items() if not holds(name, service)]


def has_four_services(file: Compose) -> list[str]:
    return sorted(SERVICES ^ set(file["services"]))


def is_built_from_its_target(file: Compose) -> list[str]:
    """Built from the Dockerfile, and never pulled under a foreign name."""
    build = {"context": ".", "dockerfile": "deploy/Dockerfile"}
    return each(
        file,
        lambda name, service: (
            service.get("build") == {**build, "target": name}
            and name in DOCKERFILE.stages
            and "image" not in service
        ),
    )


def has_a_read_only_root(file: Compose) -> list[str]:
    """A read-only root, and a small /tmp on which nothing can be executed."""

    def holds(_: str, service: Any) -> bool:
        tmpfs = service.get("tmpfs", [])
        options = set(tmpfs[0].partition(":")[2].split(",")) if len(tmpfs) == 1 else set()
        small = {"noexec", "nosuid", "nodev", "size=64m"} <= options
        return service.get("read_only") is True and small and tmpfs[0].startswith(f"{TMP}:")

    return each(file, holds)


def has_no_privileges(file: Compose) -> list[str]:
    """No capabilities, no way to gain any, and no access to the host."""
    gains = {
        "cap_add",
        "privileged",
        "devices",
        "pid",
        "ipc",
        "network_mode",
        "userns_mode",
        "user",
    }
    return each(
        file,
        lambda _, service: (
            service.get("cap_drop") == ["ALL"]
            and service.get("security_opt") == ["no-new-privileges:true"]
            and not gains & set(service)
        ),
    )


def has_limits(file: Compose) -> list[str]:
    """Limits of memory, processes, CPU and the size of the logs."""

    def holds(_: str, service: Any) -> bool:
        options = service.get("logging", {}).get("options", {})
        return (
            {"mem_limit", "pids_limit", "cpus"} <= set(service)
            and service["pids_limit"] > 0
            and {"max-size", "max-file"} <= set(options)
        )

    return each(file, holds)


def comes_back(file: Compose) -> list[str]:
    """It restarts after a crash and a reboot with the same host name, which names the consumer.

    Embedders have no fixed host name, so that there can be several.
    """
    return each(
        file,
        lambda name, service: (
            service.get("restart") == "unless-stopped"
            and service.get("hostname") == (None if name == "embedder" else name)
            and service.get("init") is True
        ),
    )


def has_time_to_stop(file: Compose) -> list[str]:
    """The grace period is longer than the service takes to drain."""

    def holds(name: str, service: Any) -> bool:
        grace = re.fullmatch(r"(\d+)s", service.get("stop_grace_period", ""))
        return grace is not None and int(grace.group(1)) > DRAIN_S[name]

    return each(file, holds)


def checks_its_health(file: Compose) -> list[str]:
    """The check of the image, repeated: OCI images, as podman builds them, have none."""

    def holds(name: str, service: Any) -> bool:
        check = service.get("healthcheck", {})
        built = DOCKERFILE.stages[name].last("HEALTHCHECK")
        assert built is not None
        command = [str(part) for part in check.get("test", [])]
        times = {"interval", "timeout", "start_period", "retries"}
        same = all(str(check.get(key.replace("-", "_"))) == built.flags[key] for key in built.flags)
        quoted = ", ".join(f'"{part}"' for part in command[1:])
        return built.argument == f"CMD [{quoted}]" and times <= set(check) and same

    return each(file, holds)


def publishes_on_loopback_only(file: Compose) -> list[str]:
    """The page and the demo site are published; the latter on the port that its links name."""
    ports = {name: service.get("ports", []) for name, service in file["services"].items()}
    outer = re.findall(r"^127\.0\.0\.1:\$\{MOVIE_SEARCH_PORT:-8000\}:8000$", *ports["query"])
    demo = r"\$\{MOVIE_SEARCH_DEMO_SITE_PORT:-8100\}"
    same = re.findall(rf"^127\.0\.0\.1:{demo}:{demo}$", *ports["ingest"])
    inside = file["services"]["ingest"]["environment"].get(f"{PREFIX}DEMO_SITE_PORT", "")
    bad = [name for name in ("redis", "embedder") if ports[name]]
    if not outer:
        bad.append("query")
    if not same or not re.fullmatch(demo, inside):
        bad.append("ingest")
    return bad


def reaches_only_what_it_must(file: Compose) -> list[str]:
    """Redis and the database are on a network without access to or from outside."""
    networks = {"redis": {"backend"}, "embedder": {"backend"}}
    bad = [] if (file["networks"].get("backend") or {}).get("internal") is True else ["backend"]
    return bad + each(
        file,
        lambda name, service: (
            set(service.get("networks", [])) == networks.get(name, {"backend", "outside"})
        ),
    )


def mounts_only_volumes(file: Compose) -> list[str]:
    """Each volume belongs to the user that writes it; readers mount snapshots read-only."""
    expected = {
        "redis": {"redis:/data"},
        "ingest": {"ingest:/data"},
        "embedder": {"database:/data", "snapshots:/snapshots", "leases:/leases"},
        "query": {"snapshots:/snapshots:ro", "leases:/leases"},
    }
    bad = each(file, lambda name, service: set(service.get("volumes", [])) == expected[name])
    named = {volume.partition(":")[0] for volumes in expected.values() for volume in volumes}
    bad += sorted(named ^ set(file["volumes"]))
    for name, volumes in expected.items():
        runs = " ".join(run.argument for run in DOCKERFILE.stages[name].all("RUN"))
        owner = "redis" if name == "redis" else "10001"
        bad += [
            f"{name}: {volume}"
            for volume in volumes
            if f'"{volume.split(":")[1]}"' not in runs or f"--owner={owner}" not in runs
        ]
    return bad


def keeps_secrets_in_files(file: Compose) -> list[str]:
    """Secrets are mounted files where they are needed; none in an environment or a URL."""
    expected = {"redis": {"redis_password"}, "query": {"redis_password", "admin_token"}}
    bad = each(
        file,
        lambda name, service: (
            set(service.get("secrets", [])) == expected.get(name, {"redis_password"})
        ),
    )
    bad += [
        name for name, secret in file["secrets"].items() if secret != {"file": f"./secrets/{name}"}
    ]
    for name, service in file["services"].items():
        for key, value in service.get("environment", {}).items():
            secret = re.search(r"(?i)token|password|secret", key)
            if secret and not str(value).startswith("/run/secrets/"):
                bad.append(f"{name}: {key}")
            if re.search(r"://[^/@]*:[^/@]*@", str(value)):
                bad.append(f"{name}: {key} holds a password")
        if "env_file" in service:
            bad.append(f"{name}: env_file")
    return bad


def sets_only_settings(file: Compose) -> list[str]:
    """Every variable is a setting; a misspelt one would silently do nothing."""
    known = {f"{PREFIX}{name}" for name in NAMES}
    return [
        f"{name}: {key}"
        for name, service in file["services"].items()
        for key in service.get("environment", {})
        if key not in known
    ]


def waits_only_for_redis(file: Compose) -> list[str]:
    """Query does not wait: it answers from its snapshot while everything else is down."""
    healthy = {"redis": {"condition": "service_healthy"}}
    expected = {"ingest": healthy, "embedder": healthy}
    return each(file, lambda name, service: service.get("depends_on") == expected.get(name))


def fits_the_memory_of_redis(file: Compose) -> list[str]:
    """Redis refuses writes before its container is killed, even while it rewrites its file."""
    limit = re.search(
        r"^maxmemory (\d+)mb$", (ROOT / "deploy" / "redis.conf").read_text(), re.MULTILINE
    )
    container = re.fullmatch(r"(\d+)m", str(file["services"]["redis"].get("mem_limit")))
    fits = limit and container and 2 * int(limit.group(1)) <= int(container.group(1))
    return [] if fits else ["redis"]


def at(*path: str | int, to: object = None) -> Callable[[Compose], None]:
    """A change that sets the value at a path, or removes it with None."""

    def change(file: Compose) -> None:
        node: Any = file
        for step in path[:-1]:
            node = node[step]
        if to is None:
            del node[path[-1]]
        else:
            node[path[-1]] = to

    return change


def of(name: str, key: str, to: object = None) -> Callable[[Compose], None]:
    """A change of one service."""
    return at("services", name, key, to=to)


def environment(name: str, key: str, value: str) -> Callable[[Compose], None]:
    """A change of one service's environment."""
    return at("services", name, "environment", key, to=value)


URL = f"{PREFIX}REDIS_URL"
BROKEN: dict[Rule, list[Callable[[Compose], None]]] = {
    has_four_services: [at("services", "embedder")],
    is_built_from_its_target: [
        of("query", "build", {"context": ".", "dockerfile": "deploy/Dockerfile", "target": "base"}),
        of("query", "image", "foreign/query"),
    ],
    has_a_read_only_root: [
        of("query", "read_only", False),
        of("redis", "read_only"),
        of("ingest", "tmpfs"),
        of("ingest", "tmpfs", [TMP]),
        of("ingest", "tmpfs", [f"{TMP}:size=64m,noexec,nosuid,nodev", "/app"]),
    ],
    has_no_privileges: [
        of("redis", "cap_drop"),
        of("query", "cap_add", ["NET_ADMIN"]),
        of("query", "privileged", True),
        of("ingest", "network_mode", "host"),
        of("ingest", "user", "root"),
        of("embedder", "security_opt", ["seccomp:unconfined"]),
    ],
    has_limits: [
        of("embedder", "mem_limit"),
        of("redis", "pids_limit"),
        of("redis", "pids_limit", -1),
        of("query", "cpus"),
        of("query", "logging", {"driver": "json-file"}),
    ],
    comes_back: [of("query", "restart", "no"), of("ingest", "hostname"), of("ingest", "init")],
    has_time_to_stop: [
        of("query", "stop_grace_period"),
        of("query", "stop_grace_period", f"{GRACE_S}s"),
        of("ingest", "stop_grace_period", "10s"),
    ],
    checks_its_health: [
        of("query", "healthcheck"),
        of("redis", "healthcheck", {"disable": True}),
        at("services", "ingest", "healthcheck", "test", to=["CMD", "true"]),
        at("services", "ingest", "healthcheck", "interval"),
        at("services", "embedder", "healthcheck", "start_period", to="1s"),
    ],
    publishes_on_loopback_only: [
        of("query", "ports", ["${MOVIE_SEARCH_PORT:-8000}:8000"]),
        of("query", "ports", ["0.0.0.0:8000:8000"]),
        of("redis", "ports", ["127.0.0.1:6379:6379"]),
        of("ingest", "ports", ["127.0.0.1:9000:8100"]),
        environment("ingest", f"{PREFIX}DEMO_SITE_PORT", "8100"),
    ],
    reaches_only_what_it_must: [
        at("networks", "backend", "internal", to=False),
        of("redis", "networks", ["backend", "outside"]),
        of("embedder", "networks"),
    ],
    mounts_only_volumes: [
        of("query", "volumes", ["snapshots:/snapshots", "leases:/leases"]),
        of("ingest", "volumes", ["/var/run/docker.sock:/var/run/docker.sock"]),
        of("embedder", "volumes", ["database:/elsewhere"]),
        at("volumes", "leases"),
    ],
    keeps_secrets_in_files: [
        environment("query", f"{PREFIX}ADMIN_TOKEN", "0123"),
        environment("ingest", URL, "redis://movie-search:hunter2@redis:6379/0"),
        of("ingest", "secrets", ["redis_password", "admin_token"]),
        of("query", "env_file", [".env"]),
        at("secrets", "admin_token", to={"environment": "ADMIN_TOKEN"}),
    ],
    sets_only_settings: [environment("query", f"{PREFIX}ADMIN_TOKEN_FIEL", "/run/secrets/x")],
    waits_only_for_redis: [
        of("query", "depends_on", ["redis"]),
        of("ingest", "depends_on", {"redis": {"condition": "service_started"}}),
        of("embedder", "depends_on"),
    ],
    fits_the_memory_of_redis: [of("redis", "mem_limit", "256m"), of("redis", "mem_limit")],
}


@pytest.mark.parametrize("rule", BROKEN, ids=lambda rule: rule.__name__)
def test_the_compose_file(rule: Rule) -> None:
    assert rule(DOCUMENT) == []


@pytest.mark.parametrize(
    ("rule", "number"),
    [(rule, number) for rule, breaks in BROKEN.items() for number in range(len(breaks))],
)
def test_a_broken_compose_file_is_caught(rule: Rule, number: int) -> None:
    file = copy.deepcopy(DOCUMENT)
    BROKEN[rule][number](file)
    assert file != DOCUMENT
    assert rule(file)


def test_the_smoke_test_knows_the_limits() -> None:
    spec = importlib.util.spec_from_file_location("smoke", ROOT / "deploy" / "smoke.py")
    assert spec is not None
    assert spec.loader is not None
    smoke = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(smoke)
    units = {"m": 1, "g": 1024}
    stated = {
        name: (
            int(service["mem_limit"][:-1]) * units[service["mem_limit"][-1]],
            service["pids_limit"],
        )
        for name, service in DOCUMENT["services"].items()
    }
    assert stated == smoke.LIMITS
