"""The page: static files, read and compressed once, so that no request's path reaches the disk.

``ui/dist`` is what ``make setup`` builds of the page, ``page`` what needs no building: the page of
the API. The names of the page's assets hold their hashes, so those are kept by clients for ever;
everything else is asked for anew, with an ETag. Where the page was not built, ``/`` says how to,
and the API works.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent
DIST = Path(__file__).parents[1] / "ui" / "dist"
INDEX = "index.html"
MISSING = "missing.html"

FOR_EVER = "public, max-age=31536000, immutable"
MIN_GZIP_BYTES = 512

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_COMPRESSED = {".woff2"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page, plain and, where that is smaller, gzipped."""

    content: bytes
    zipped: bytes | None
    media_type: str
    etag: str
    cache_control: str = "no-cache"

    def answer(self, request: Request) -> Response:
        """The file, or 304 when the client has it."""
        headers = {
            "ETag": self.etag,
            "Cache-Control": self.cache_control,
            "Vary": "Accept-Encoding",
        }
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = self.content
        if self.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            content = self.zipped
        return Response(content, headers=headers, media_type=self.media_type)


@dataclass(frozen=True, slots=True)
class PageFiles:
    """All files of the page, by name.

    Attributes:
        index: The page itself, whatever its address.
        docs: The page of the API.
        fixed: Files of other names than the page's own, by path.
        assets: What ``index`` loads, by name; names hold hashes.
    """

    index: PageFile
    docs: PageFile
    fixed: dict[str, PageFile]
    assets: dict[str, PageFile]


def read_page(folder: Path = FOLDER, dist: Path = DIST) -> PageFiles:
    """Read and compress the page.

    Args:
        folder: What needs no building.
        dist: What was built; may be missing.
    """
    own = _read_folder(folder)
    built = _read_folder(dist)
    missing, docs = own.pop(MISSING), own.pop("docs.html")
    return PageFiles(
        index=built.pop(INDEX, missing),
        docs=docs,
        fixed={
            **{f"/page/{name}": file for name, file in own.items()},
            **{f"/{name}": file for name, file in built.items()},
        },
        assets=_read_folder(dist / "assets", FOR_EVER),
    )


def _read_folder(folder: Path, cache_control: str = "no-cache") -> dict[str, PageFile]:
    if not folder.is_dir():
        return {}
    paths = sorted(path for path in folder.iterdir() if path.suffix in _TYPES)
    return {path.name: _read(path, cache_control) for path in paths}


def _read(path: Path, cache_control: str) -> PageFile:
    content = path.read_bytes()
    large = len(content) >= MIN_GZIP_BYTES and path.suffix not in _COMPRESSED
    return PageFile(
        content=content,
        zipped=gzip.compress(content, mtime=0) if large else None,
        media_type=_TYPES[path.suffix],
        etag=f'"{hashlib.sha256(content).hexdigest()[:20]}"',
        cache_control=cache_control,
    )
