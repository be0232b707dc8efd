"""What a crawl process reports to the supervisor at its end: a line of JSON on standard output."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

EXIT_DONE = 0
EXIT_FAILED = 1  # another attempt would fail too
EXIT_AGAIN = 75  # sysexits.h EX_TEMPFAIL: another attempt may succeed

MAX_LINE_BYTES = 16_384


class Outcome(BaseModel):
    """How a crawl ended.

    Args:
        error: Why it failed; None when it succeeded.
        again: Whether another attempt may succeed.
        movies: Number of movies sent.
        reviews: Number of reviews sent.
        kept: Number of reviews on unchanged pages, which were not sent.
        invalid: Number of items dropped because they are invalid.
        complete: Whether the crawl saw all of its source.
        drifted: Whether it failed because the site's pages changed beyond recognition.
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
    """The outcome of a process that has ended, also when it could not report one.

    Args:
        exit_code: The exit code; negative for the number of the signal that killed it.
        line: What the process wrote to standard output.
    """
    try:
        outcome = Outcome.model_validate_json(line[-MAX_LINE_BYTES:])
    except ValidationError:
        how = f"killed by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
        return Outcome(error=f"the crawl process ended without an outcome: {how}", again=True)
    if exit_code != outcome.exit_code:
        return Outcome(error=f"the crawl process ended with exit code {exit_code}", again=True)
    return outcome
