"""``python -m services.embedder``: open the resources, run the service; ``--check`` its health."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from sqlalchemy.exc import SQLAlchemyError

from services.embedder.conversion import ModelInvalid, ensure_artefact
from services.embedder.database import open_engine
from services.embedder.service import HEARTBEAT_KEY, Embedder
from shared.encoder import Encoder, GraphEncoder, artefact_folder, available_threads
from shared.redis import UNAVAILABLE, connect
from shared.settings import Settings, SettingsInvalid, load_settings
from shared.telemetry import configure_logging, get_logger, serve_metrics


def main() -> int:
    """Run the service; returns its exit code."""
    parser = argparse.ArgumentParser(prog="services.embedder", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 0 if the service is healthy")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        settings.require_redis_url()
    except SettingsInvalid as error:
        print(f"embedder: {error}", file=sys.stderr)
        return 2
    if arguments.check:
        return asyncio.run(_check(settings))
    configure_logging("embedder", settings)
    try:
        return _serve(settings)
    except (ModelInvalid, OSError, SQLAlchemyError) as error:
        reason = error.args[0] if error.args else error
        get_logger().error("cannot start", error=str(reason).splitlines()[0])
        return 1


def _serve(settings: Settings) -> int:
    settings.snapshot_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    spec = ensure_artefact(
        settings.snapshot_dir, model=settings.encoder_model, passage_tokens=settings.passage_tokens
    )
    encoder, precision = _open_encoder(settings, spec.encoder_id)
    serve_metrics(settings)
    get_logger().info("ready", model=spec.model, encoder_id=spec.encoder_id, precision=precision)
    asyncio.run(_run(Embedder(settings, engine, encoder, precision=precision)))
    engine.dispose()
    get_logger().info("stopped")
    return 0


def _open_encoder(settings: Settings, encoder_id: str) -> tuple[Encoder, str]:
    graph = GraphEncoder(
        artefact_folder(settings.snapshot_dir, encoder_id),
        encoder_id=encoder_id,
        threads=settings.encode_threads or available_threads(),
        precision=settings.encoder_precision,
    )
    if settings.encoder_backend == "torch":
        # torch takes seconds to import; the default never needs it here.
        from services.embedder.reference import ReferenceEncoder  # noqa: PLC0415

        return ReferenceEncoder(settings.encoder_model, graph), "f32"
    return graph, graph.precision


async def _run(embedder: Embedder) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await embedder.run(stop)


async def _check(settings: Settings) -> int:
    redis = connect(settings.require_redis_url())
    try:
        alive = await redis.exists(HEARTBEAT_KEY)
    except UNAVAILABLE as error:
        print(f"embedder: redis: {error}", file=sys.stderr)
        return 1
    finally:
        await redis.aclose()
    if not alive:
        print("embedder: no heartbeat", file=sys.stderr)
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main())
