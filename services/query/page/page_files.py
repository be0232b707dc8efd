"""The static files of the page, read and compressed once, so that no request path reaches the disk.

``make setup`` builds the page into ``ui/dist``; ``page`` holds the files that need no build: the
API documentation. The names of the page's assets contain their hashes, so clients cache them
permanently; all other files are revalidated with an ETag. When the page has not been built, ``/``
explains how to build it, and the API works.
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

IMMUTABLE = "public, max-age=31536000, immutable"
MIN_GZIP_BYTES = 512

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
_COMPRESSED = {".woff2", ".png", ".ico"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page, plain and, where that is worthwhile, gzipped."""

    content: bytes
    zipped: bytes | None
    media_type: str
    etag: str
    cache_control: str = "no-cache"

    def answer(self, request: Request, *, gzipped: bool) -> Response:
        """Respond with the file, or with 304 when the client's copy is up to date.

        Args:
            request: The request.
            gzipped: Whether the client accepts gzip.
        """
        headers = {
            "ETag": self.etag,
            "Cache-Control": self.cache_control,
            "Vary": "Accept-Encoding",
        }
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = self.content
        if self.zipped is not None and gzipped:
            headers["Content-Encoding"] = "gzip"
            content = self.zipped
        return Response(content, headers=headers, media_type=self.media_type)


@dataclass(frozen=True, slots=True)
class PageFiles:
    """All files of the page, by name.

    Attributes:
        index: The HTML of the page, for all of its addresses.
        docs: The API documentation.
        fixed: Files with a fixed path, by path.
        assets: The files that ``index`` loads, by name; names contain hashes.
    """

    index: PageFile
    docs: PageFile
    fixed: dict[str, PageFile]
    assets: dict[str, PageFile]


def read_page(folder: Path = FOLDER, dist: Path = DIST) -> PageFiles:
    """Read and compress the page.

    Args:
        folder: Folder of the files that need no build.
        dist: Folder of the build; may be missing.
    """
    unbuilt = _read_folder(folder)
    built = _read_folder(dist)
    missing, docs = unbuilt.pop(MISSING), unbuilt.pop("docs.html")
    return PageFiles(
        index=built.pop(INDEX, missing),
        docs=docs,
        fixed={
            **{f"/page/{name}": file for name, file in unbuilt.items()},
            **{f"/{name}": file for name, file in built.items()},
        },
        assets=_read_folder(dist / "assets", IMMUTABLE),
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
