"""`sluice estimate` and `sluice classify --provider` as a user runs them, against a simulated vendor."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from services.classification.model.dataset import LABELLED
from tests.simulated_vendor import KEY, running_simulator

SIZE = 300
ROOT = Path(__file__).parents[2]


async def sluice(folder: Path, environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", *arguments),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def write_indicators(path: Path) -> None:
    rows = map(json.loads, LABELLED.read_text().splitlines()[:SIZE])
    path.write_text("".join(json.dumps({**row, "label": None}) + "\n" for row in rows))


async def test_the_estimate_before_and_the_bill_after(state_directory: Path, tmp_path: Path) -> None:
    write_indicators(tmp_path / "a.jsonl")
    own = state_directory / "vendor"
    own.mkdir(mode=0o755)
    async with running_simulator(latency_mean=0.02) as vendor:
        variables = {**vendor.environment(), "SLUICE_STATE_DIR": str(own)}
        code, out, err = await sluice(tmp_path, variables, "estimate", "a.jsonl", "--provider", "openai", "--json")
        assert code == 0, err
        told = json.loads(out)
        code, out, err = await sluice(tmp_path, variables, "classify", "a.jsonl", "--provider", "openai", "--json")
        assert code in {0, 1}, err
        served: dict[str, Any] = await vendor.stats()

    spent = json.loads(out)["spending"]
    assert "estimate: " in err
    assert spent["estimate"]["cost_usd"] == told["cost_usd"]
    assert abs(spent["estimate_error_percent"]) <= 10
    assert spent["calls"] == served["calls"]
    assert (spent["tokens_in"], spent["tokens_out"]) == (served["tokens"]["input"], served["tokens"]["output"])
    assert spent["cost_usd"] == pytest.approx(json.loads(out)["cost_usd"])
    assert KEY not in out + err


async def test_a_missing_key_is_said_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"indicator_id": "A", "name": "GDP"}\n')
    for command in ("estimate", "classify"):
        code, out, err = await sluice(tmp_path, {"OPENAI_API_KEY": ""}, command, "a.jsonl", "--provider", "openai")
        assert (code, out) == (2, "")
        assert err == "sluice: provider 'openai' has no key\nSet OPENAI_API_KEY.\n"
