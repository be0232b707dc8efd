"""Contracts that two services must agree on, and nothing else."""

import sys

# openvino's import would start a thread that tells its makers of it. Services talk to nobody they
# were not told to, and a process with a second thread must not fork (services.query.http.prefork).
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
