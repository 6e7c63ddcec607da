"""Send Prodigy's answers to Assay as they are saved. Copy this file beside your recipes; it needs nothing installed.

    import prodigy
    from prodigy_shim import Shim

    @prodigy.recipe("ner.live")
    def live(dataset, source):
        shim = Shim("http://127.0.0.1:8080/v1/hooks/prodigy", secret="...", dataset=dataset)
        recipe = {"dataset": dataset, "stream": ..., "view_id": "ner_manual"}
        return {**recipe, "update": shim.update, "on_exit": shim.on_exit}

Prodigy keeps every answer in its own database whatever happens here. Answers that Assay did not take wait in a file and
go with the next batch; what is still waiting at the end is said, and goes when the recipe is started again.
"""

import hashlib
import hmac
import http.client
import json
import sys
import urllib.request
from pathlib import Path

AT_ONCE = 100
"""The most answers in one request: Assay limits the size of a body."""


class Shim:
    """Posts batches of answers, signed. `waiting` is the file for those that could not be sent."""

    def __init__(
        self, url: str, secret: str, dataset: str, waiting: "str | None" = None, timeout_seconds: float = 10
    ) -> None:
        """Take where to, the connection's secret, and the name of the dataset."""
        self.url = url
        self.secret = secret
        self.dataset = dataset
        self.waiting = Path(waiting or f"{dataset}.waiting.jsonl")
        self.timeout_seconds = timeout_seconds

    def update(self, answers: "list[dict[str, object]]") -> None:
        """Send a batch, after what waits before it. Prodigy calls this whenever answers are saved."""
        batch = self._read() + list(answers)
        parts = [batch[start : start + AT_ONCE] for start in range(0, len(batch), AT_ONCE)]
        self._write([answer for part in parts if not self._send(part) for answer in part])

    def on_exit(self, controller: object = None) -> None:
        """Try once more, and say what is left."""
        del controller
        self.update([])
        left = len(self._read())
        if left:
            sys.stderr.write(f"{left} answers wait in {self.waiting}; start the recipe again to send them\n")

    def _read(self) -> "list[dict[str, object]]":
        if not self.waiting.exists():
            return []
        return [json.loads(line) for line in self.waiting.read_text(encoding="utf-8").splitlines() if line]

    def _write(self, answers: "list[dict[str, object]]") -> None:
        if not answers:
            self.waiting.unlink(missing_ok=True)
            return
        new = self.waiting.with_suffix(".new")
        new.write_text("".join(json.dumps(answer) + "\n" for answer in answers), encoding="utf-8")
        new.replace(self.waiting)

    def _send(self, answers: "list[dict[str, object]]") -> bool:
        body = json.dumps({"dataset": self.dataset, "answers": answers}).encode()
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Assay-Signature": f"sha256={signature}"}
        request = urllib.request.Request(self.url, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_seconds):
                return True
        except (OSError, http.client.HTTPException) as error:
            sys.stderr.write(f"Assay at {self.url} did not take {len(answers)} answers ({error}); they are kept\n")
            return False
