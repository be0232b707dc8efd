"""Examples of the admin API's responses; a test validates them against their schemas."""

from __future__ import annotations

from pydantic.config import JsonDict

from services.query.api.examples import SNAPSHOT_ID

RUN_ID = "20250601T120000-1f0c9a4b"
RUN: JsonDict = {
    "run_id": RUN_ID,
    "source": "my_site",
    "state": "searchable",
    "requested_at": "2025-06-01T12:00:00Z",
    "started_at": "2025-06-01T12:00:01Z",
    "crawled_at": "2025-06-01T12:20:31Z",
    "ended_at": "2025-06-01T12:20:38Z",
    "movies": 3,
    "crawled": 15,
    "stored": 4,
    "duplicate": 11,
    "dead_lettered": 0,
    "embedded": 4,
    "snapshot_id": SNAPSHOT_ID,
    "error": None,
    "attempts": 1,
    "trigger": "schedule",
    "allow_removals": False,
    "pages": 503,
    "kept": 2485,
    "removed": 2,
    "unread_values": 3,
    "unread_rows": 0,
    "unread_pages": 1,
    "counts": {
        "pages": 503,
        "movies": 3,
        "crawled": 15,
        "kept": 2485,
        "stored": 4,
        "duplicate": 11,
        "dead_lettered": 0,
        "embedded": 4,
        "removed": 2,
        "unread_values": 3,
        "unread_rows": 0,
        "unread_pages": 1,
    },
    "freshness_median_s": 11.4,
    "freshness_max_s": 36.9,
    "kept_page": None,
    "sites": {
        "films.example": {
            "robots": "obeyed",
            "crawl_delay_s": 2.0,
            "delay_s": 2.6,
            "requests": 505,
            "not_modified": 500,
            "forbidden": 12,
            "refused": 0,
            "retry_after": 1,
            "failed": 0,
            "received_bytes": 1842113,
        }
    },
}
UNREAD_LIST: JsonDict = {
    "unread": [
        {
            "kind": "value",
            "where": "https://films.example/film/rocky reviewRating",
            "why": "not a rating from 0 to 5",
            "excerpt": "11",
        },
        {
            "kind": "page",
            "where": "https://films.example/film/creed",
            "why": "JSON-LD cannot be read: Expecting ',' delimiter at line 4, column 18",
            "excerpt": '"name": "The "Creed" of Rocky"',
        },
    ]
}
DEAD_LETTER: JsonDict = {
    "id": "1748779231654-0",
    "died_at": "2025-06-01T12:00:31.654Z",
    "kind": "review",
    "run_id": RUN_ID,
    "item_id": "my_site:rocky-1",
    "reason": "message version '2' is not 1",
    "deliveries": 1,
    "replays": 0,
    "payload_bytes": 1480,
    "replayable": True,
}
DEAD_LETTER_DETAIL: JsonDict = {
    **DEAD_LETTER,
    "fields": {
        "v": "2",
        "kind": "review",
        "run": RUN_ID,
        "id": "my_site:rocky-1",
        "body": '{"run_id":"20250601T120000-1f0c9a4b","source":"my_site","review":{}}',
    },
}
DEAD_LETTER_PAGE: JsonDict = {
    "dead_letters": [DEAD_LETTER],
    "total": 212,
    "next_cursor": "1748779231654-0",
}
REPLAYED: JsonDict = {
    "replayed": 1,
    "refused": [{"id": "1748779231655-0", "reason": "it was too large to be kept whole"}],
}
SNAPSHOT_LIST: JsonDict = {
    "current": SNAPSHOT_ID,
    "served": SNAPSHOT_ID,
    "snapshots": [
        {
            "snapshot_id": SNAPSHOT_ID,
            "created_at": "2025-06-01T12:00:00Z",
            "movies": 500,
            "reviews": 2500,
            "passages": 21465,
            "encoder_id": "1f0c9a4be1d2a687",
            "model": "all-MiniLM-L6-v2",
            "size_bytes": 12_501_433,
            "current": True,
            "served": True,
            "leased": True,
            "problem": None,
        }
    ],
}
REMOVAL: JsonDict = {
    "removal_id": "8e03978e40d543dd",
    "kind": "movie",
    "id": "tt0075148",
    "allow": False,
    "state": "done",
    "requested_at": "2025-06-01T13:00:00Z",
    "ended_at": "2025-06-01T13:00:01Z",
    "reviews": 5,
    "movies": 1,
    "reason": None,
}
ACTIVATION: JsonDict = {
    "activation_id": "8e03978e40d543dd",
    "snapshot_id": "00000041-5d2e8dcd",
    "state": "done",
    "requested_at": "2025-06-01T13:00:00Z",
    "ended_at": "2025-06-01T13:00:01Z",
    "replaced": SNAPSHOT_ID,
    "reason": None,
}
