"""Files that come with the API: those that are named, and no others."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from services.api.problems import Problem

A_DAY = "public, max-age=86400"


def serve_files(router: APIRouter, path: str, folder: Path, kinds: Mapping[str, str]) -> None:
    """Serve files of `folder` below `path`. `kinds` has the media type of each by its name."""

    @router.get(f"{path}/{{name}}")
    async def file(name: str) -> Response:
        if name not in kinds:
            raise Problem(404, "there is no such file")
        return FileResponse(folder / name, media_type=kinds[name], headers={"Cache-Control": A_DAY})
