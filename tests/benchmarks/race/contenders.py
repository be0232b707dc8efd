"""The contenders of the race over HTTP: same model, movies and queries, one thread each.

A contender that cannot run here is reported with the reason, and the others continue.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from services.embedder.model.conversion import BUNDLED_MODEL, find_model
from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.race.load import Api, Requests
from tests.benchmarks.race.original.build import ensure_files
from tests.benchmarks.race.servers import Server
from tests.benchmarks.race.venvs import ROOT, Venv, ensure

Say = Callable[[str], None]
QUERIES = 40_000  # more than a run sends, so that none is sent twice
ORIGINAL, TXTAI, CONSTANT = "original design", "txtai API, hybrid", "FastAPI alone, a constant"
OURS = "this project, hybrid with evidence"
OUR_API = Api("POST", "/search", '{"query": {query}, "k": 10}')


def ours(
    catalogue: Catalogue, plan: Plan, *, name: str = OURS, api: Api = OUR_API, **settings: str
) -> Server:
    """Our query service on a catalogue, started as in a deployment but with one worker."""
    scratch = plan.work / "servers" / _slug(name)
    scratch.mkdir(parents=True, exist_ok=True)
    return Server(
        name,
        [sys.executable, "-m", "services.query", "--port", "{port}"],
        _requests(api, catalogue, plan, name),
        scratch / "server.log",
        {
            "MOVIE_SEARCH_DATA_DIR": str(scratch),
            "MOVIE_SEARCH_QUERY_WORKERS": "1",  # one thread, like the other contenders
            "MOVIE_SEARCH_SNAPSHOT_URL": catalogue.store.root.absolute().as_uri(),
            **settings,
        },
        ROOT,
    )


def original(catalogue: Catalogue, plan: Plan, say: Say) -> Server:
    """The original design, with the packages of our environment.

    Raises:
        NotInstalled: its environment cannot be installed.
    """
    venv = ensure("original", plan.work / "venvs", with_ours=True, say=say)
    files = ensure_files(catalogue, plan.work / "original")
    app = Path(__file__).parent / "original" / "app.py"
    command = [str(venv.python), str(app), "--folder", str(files.absolute())]
    return _server(
        ORIGINAL, [*command, "--model", str(find_model(BUNDLED_MODEL)), "--port", "{port}"],
        Api("POST", "/search", '{"query": {query}, "k": 10}'), catalogue, plan,
    )  # fmt: skip


def txtai(catalogue: Catalogue, plan: Plan, say: Say) -> Server:
    """The API server of txtai, with hybrid search over the reviews.

    Raises:
        NotInstalled: its environment cannot be installed.
    """
    venv = ensure("txtai", plan.work / "venvs", with_torch=True, say=say)
    folder = (plan.work / "txtai" / catalogue.fingerprint).absolute()
    if not (folder / "app.yml").is_file():
        say("building txtai's index (minutes, once)")
        _txtai_index(venv, catalogue, folder)
    program = str(venv.program("uvicorn"))
    return _server(
        TXTAI, [program, "txtai.api:app", "--port", "{port}", "--log-level", "warning"],
        Api("GET", "/search", "/search?query={query}&limit=10"), catalogue, plan,
        {"CONFIG": str(folder / "app.yml")},
    )  # fmt: skip


def infinity(catalogue: Catalogue, plan: Plan, engine: str, say: Say) -> Server:
    """infinity, which only encodes queries: the first half of a search.

    Raises:
        NotInstalled: its environment cannot be installed.
    """
    venv = ensure("infinity", plan.work / "venvs", with_torch=True, say=say)
    model = find_model(BUNDLED_MODEL)
    folder = _exported(venv, model, plan.work / "onnx") if engine == "optimum" else model
    return _server(
        f"infinity, {'ONNX' if engine == 'optimum' else engine}, embeddings only",
        [str(venv.program("infinity_emb")), "v2", "--model-id", ".", "--engine", engine,
         "--device", "cpu", "--port", "{port}", "--log-level", "error", "--no-model-warmup",
         "--pooling-method", "mean",
         "--served-model-name", "model"],
        Api("POST", "/embeddings", '{"model": "model", "input": [{query}]}'), catalogue, plan,
        {"INFINITY_ANONYMOUS_USAGE_STATS": "0", "HF_HUB_CACHE": str(plan.work / "onnx-cache")},
        folder,  # it finds the graph only under a relative path
    )  # fmt: skip


def constant(catalogue: Catalogue, plan: Plan, size_bytes: int) -> Server:
    """FastAPI alone, with a response as long as that of our search."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.race.constant_app",
        "{port}",
        str(size_bytes),
    ]
    return _server(CONSTANT, command, OUR_API, catalogue, plan)


def _server(
    name: str, command: list[str], api: Api, catalogue: Catalogue, plan: Plan,
    environment: dict[str, str] | None = None, folder: Path = ROOT,
) -> Server:  # fmt: skip
    log = plan.work / "servers" / _slug(name) / "server.log"
    requests = _requests(api, catalogue, plan, name)
    return Server(name, command, requests, log, environment or {}, folder)


def _requests(api: Api, catalogue: Catalogue, plan: Plan, name: str) -> Requests:
    path = plan.work / "servers" / _slug(name) / "requests.txt"
    return Requests(api, catalogue.queries, QUERIES, path)


def _txtai_index(venv: Venv, catalogue: Catalogue, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    documents = folder / "documents.jsonl"
    with documents.open("w") as stream:
        for n, text in enumerate(catalogue.reviews()):
            stream.write(json.dumps({"id": str(n), "text": text}) + "\n")
    script = Path(__file__).parent / "competitors" / "txtai_index.py"
    model, index = str(find_model(BUNDLED_MODEL)), folder / "index"
    venv.run([str(venv.python), str(script), str(documents), model, str(index)])
    documents.unlink()  # other people's texts; the index is enough
    # JSON is YAML. Without the key there is no endpoint; the settings come from the saved index.
    (folder / "app.yml").write_text(json.dumps({"path": str(index), "embeddings": None}))


def _exported(venv: Venv, model: Path, target: Path) -> Path:
    if not (target / "modules.json").is_file():
        shutil.rmtree(target, ignore_errors=True)
        venv.run(
            [str(venv.program("optimum-cli")), "export", "onnx", "--model", str(model),
             "--task", "feature-extraction", "--library", "transformers", str(target)]
        )  # fmt: skip
        shutil.copyfile(model / "modules.json", target / "modules.json")
    return target.absolute()


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
