"""OpenVINO, imported without its telemetry.

Every module that needs OpenVINO imports it from here. Its own import would start a thread that
reports usage to its makers: the services send data to no address that is not configured, and a
process with a second thread must not fork (``services.query.http.prefork``).
"""

import sys

# A module that is None cannot be imported; OpenVINO then goes on without it.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402
from openvino import opset13 as ops  # noqa: E402

__all__ = ["ops", "ov"]
