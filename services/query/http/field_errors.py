"""Validation errors by field, without the values that the client sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeGuard, get_args

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from services.query.http.problems import FieldError

MAX_ERRORS = 50  # a body of 256 KiB can hold 40,000 unknown fields

_FIELD_ERROR = "field_error"
_NAME = re.compile(r"\w{1,64}", re.ASCII)


def field_error(field: str, message: str) -> PydanticCustomError:
    """Make the error that the validator of a whole model raises about one of its fields."""
    return PydanticCustomError(_FIELD_ERROR, "{message}", {"field": field, "message": message})


def field_errors(
    errors: Sequence[Mapping[str, Any]], model: type[BaseModel] | None
) -> list[FieldError]:
    """Describe validation errors, the first ``MAX_ERRORS`` of them.

    The name of an unknown field is repeated only if it resembles a known name: a name is the
    client's own text, and no input is echoed.

    Args:
        errors: Errors as FastAPI reports them: each location begins with body, query or header.
        model: The model of the body or of the query string; None if the operation has none.
    """
    return [_describe(error, model) for error in errors[:MAX_ERRORS]]


def _describe(error: Mapping[str, Any], model: type[BaseModel] | None) -> FieldError:
    part_of_request, *path = error["loc"]
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        *path, name = path
        message = "Unknown query parameter" if part_of_request == "query" else "Unknown field"
        known = _field_names(model, path)
        close = get_close_matches(name.lower(), known, n=1) if _NAME.fullmatch(name) else []
        if close:
            path.append(name)
            message += f". Did you mean '{close[0]}'?"
        elif known:
            message += f". Known names: {', '.join(known)}"
    elif error["type"] == _FIELD_ERROR:
        path.append(error["ctx"]["field"])
    return FieldError(field=".".join(map(str, path)), message=message)


def _field_names(model: type[BaseModel] | None, path: Sequence[str | int]) -> list[str]:
    """The names of the fields at a place inside a model."""
    for part in path:
        if isinstance(part, str):  # a number is a place in a list, whose items are the model
            fields = _fields(model)
            model = _model_in(fields[part]) if part in fields else None
    return list(_fields(model))


def _fields(model: type[BaseModel] | None) -> dict[str, Any]:
    """The annotations of a model's fields, by the names that a client uses."""
    if model is None:
        return {}
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model in an annotation such as ``list[Model] | None``."""
    if is_model(annotation):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """Whether an annotation is a pydantic model."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
