"""What a crawl process tells the supervisor as it ends: one line of JSON on standard output."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

EXIT_DONE = 0
EXIT_FAILED = 1  # and would fail again
EXIT_AGAIN = 75  # sysexits.h EX_TEMPFAIL: another attempt may succeed

MAX_LINE_BYTES = 16_384


class Outcome(BaseModel):
    """How a crawl ended. ``error`` is None when all went well.

    ``reviews`` were sent, ``kept`` ones are on unchanged pages. ``complete``: it saw all of its
    source. ``drifted``: it failed because the site's pages are no longer understood.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    error: str | None = None
    again: bool = False
    movies: int = 0
    reviews: int = 0
    kept: int = 0
    invalid: int = 0
    complete: bool = False
    drifted: bool = False

    @property
    def exit_code(self) -> int:
        """The process's exit code."""
        if self.error is None:
            return EXIT_DONE
        return EXIT_AGAIN if self.again else EXIT_FAILED


def read_outcome(exit_code: int, line: bytes) -> Outcome:
    """The outcome of a process that has ended, whether or not it could still say it."""
    try:
        outcome = Outcome.model_validate_json(line[-MAX_LINE_BYTES:])
    except ValidationError:
        how = f"killed by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
        return Outcome(error=f"the crawl process ended without a word: {how}", again=True)
    if exit_code != outcome.exit_code:
        return Outcome(error=f"the crawl process ended with exit code {exit_code}", again=True)
    return outcome
