"""A real redis-server on a TCP port, with options of the test's choice, and with TLS before it."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.local import redis_server as embedded_redis
from tests.support.ports import free_port
from tests.support.waiting import wait_until


@contextmanager
def tcp_redis(folder: Path, options: str = "") -> Iterator[int]:
    """Run a server; yields its port once it listens.

    Args:
        folder: Where its configuration and its log are.
        options: Lines of its configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config, log = folder / "redis.conf", folder / "redis.log"
    config.write_text(
        f'port {port}\nbind 127.0.0.1\ndir "{folder}"\nsave ""\nlogfile "{log}"\n{options}\n'
    )
    process = subprocess.Popen(
        [str(embedded_redis.find_server()), str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def listens() -> bool:
        assert process.poll() is None, log.read_text() if log.exists() else "no log"
        return log.exists() and "eady to accept connections" in log.read_text()

    try:
        wait_until(listens)
        yield port
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def tls_before(port: int, folder: Path) -> AsyncIterator[int]:
    """Accept TLS, as a proxy before a server does, with a certificate nobody vouches for.

    Args:
        port: The port of the server without TLS.
        folder: Where the certificate is written.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(folder))

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, inner_writer), forward(inner_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _self_signed(folder: Path) -> Path:
    """A file with a key and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
