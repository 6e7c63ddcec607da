"""A real Label Studio: installed into an environment of its own, started on a free port, spoken to by its API."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from assay_schemas.json_data import Json
from assay_services.devtools.ports import free_port

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements" / "label-studio.txt"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
_READY_SECONDS = 240
_STOP_SECONDS = 20
_TRIES = 20
_TRY_AGAIN_SECONDS = 0.5
_GONE = 404

TEXT = '<View><Text name="text" value="$text"/>{}</View>'
CONFIGS = {
    "choices": TEXT.format(
        '<Choices name="label" toName="text"><Choice value="safe"/><Choice value="scam"/></Choices>'
    ),
    "spans": TEXT.format('<Labels name="label" toName="text"><Label value="person"/><Label value="place"/></Labels>'),
    "boxes": '<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">'
    '<Label value="car"/><Label value="bike"/></RectangleLabels></View>',
    "pairwise": '<View><Pairwise name="label" toName="a,b"/><Text name="a" value="$a"/>'
    '<Text name="b" value="$b"/></View>',
}
"""A label config of each kind."""


def installed() -> Path:
    """Return the environment with Label Studio in it; it is made the first time, which takes a minute or two."""
    name = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    place = ROOT / ".assay" / "tests" / f"label-studio-{name}"
    if not (place / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        pip = [
            str(place / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
        (place / "complete").touch()
    return place


class LabelStudioServer:
    """One server with an administrator whose token is `TOKEN`; usable with `with`."""

    def __init__(self, folder: Path) -> None:
        """Take the folder where it keeps its data."""
        self._folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.http = httpx.Client(base_url=self.url, headers={"Authorization": f"Token {TOKEN}"}, timeout=60)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        command = [str(installed() / "bin" / "label-studio"), "start", "--no-browser", "--internal-host", "127.0.0.1"]
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--port", self.url.rpartition(":")[2]],
                env=os.environ | self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self.http.get("/health").is_success:
                    return self
            except httpx.TransportError:
                time.sleep(0.5)
        raise RuntimeError((self._folder / "log").read_text()[-2_000:])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.http.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _environment(self) -> dict[str, str]:
        return {
            "LABEL_STUDIO_BASE_DATA_DIR": str(self._folder),
            "LABEL_STUDIO_USERNAME": "admin@example.com",
            "LABEL_STUDIO_PASSWORD": "only-for-this-test-1",
            "LABEL_STUDIO_USER_TOKEN": TOKEN,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "USE_DEFAULT_BANNED_SUBNETS": "false",
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
        }

    def ask(self, method: str, path: str, **rest: Any) -> Any:  # noqa: ANN401  # its JSON
        """Return what it answers; raise where that is no success.

        Its development server answers 500 now and then while several people write (its SQLite is locked): then they
        try again, as people would. Whether the first try did something shows in its export at the end.
        """
        for tries in range(_TRIES):  # noqa: B007  # looked at below
            answer = self.http.request(method, path, **rest)
            if not answer.is_server_error:
                break
            time.sleep(_TRY_AGAIN_SECONDS)
        if tries and answer.status_code == _GONE:  # the first try did it
            return None
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def a_project(self, kind: str, tasks: list[dict[str, Any]]) -> tuple[int, list[int]]:
        """Make a project of one kind with these tasks; return its number and theirs."""
        made = {"title": f"a project of {kind}", "label_config": CONFIGS[kind], "maximum_annotations": 3}
        project = int(self.ask("POST", "/api/projects/", json=made)["id"])
        self.ask("POST", f"/api/projects/{project}/import", json=tasks)
        found = self.ask("GET", "/api/tasks", params={"project": project, "page_size": 1_000})
        return project, [int(task["id"]) for task in found["tasks"]]

    def a_user(self, name: str) -> int:
        """Make somebody who annotates; return the number."""
        made = {"email": f"{name}@example.com", "username": name, "password": "only-for-this-test-2"}
        return int(self.ask("POST", "/api/users/", json=made)["id"])

    def annotate(self, task: int, user: int, result: list[dict[str, Json]], **rest: Json) -> int:
        """Annotate a task as somebody; return the annotation's number."""
        body = {"result": result, "completed_by": user, "lead_time": 4.2} | rest
        return int(self.ask("POST", f"/api/tasks/{task}/annotations/", json=body)["id"])

    def exported(self, project: int) -> list[dict[str, Any]]:
        """Return all tasks with their annotations, as Label Studio exports them."""
        asked = {"exportType": "JSON", "download_all_tasks": "true"}
        found: list[dict[str, Any]] = self.ask("GET", f"/api/projects/{project}/export", params=asked)
        return found
