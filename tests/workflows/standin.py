"""A step's process that does what its command says, word by word: for tests of executors.

It honours the same files as `alongside_workflows.step` and starts in no time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from alongside.models import now
from alongside.platforms.local.store import write
from alongside_workflows.step.hashing import sha256
from alongside_workflows.task import OUTCOME, PROGRESS, TASK, TOKEN, Outcome, Progress, Task


class Standin:
    """One attempt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.task = Task.model_validate_json((folder / TASK).read_bytes())
        self.words = list(self.task.step.command or ())
        self.results: dict[str, Any] = {}
        self.place = Path(self.task.directory)

    def word(self) -> str:
        """The next word, with the values of parameters."""
        word = self.words.pop(0)
        for name, value in self.task.values.items():
            word = word.replace(f"{{{name}}}", str(value))
        return word

    def run(self) -> int:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(self.end(143, "It was told to end.")))
        while self.words:
            verb = self.word()
            code = getattr(self, f"do_{verb}")()
            if code is not None:
                return int(code)
        return self.end(0)

    def end(self, code: int, message: str = "") -> int:
        outputs = {
            name: sha256(self.place / path)
            for name, path in self.task.step.outputs.items()
            if (self.place / path).exists()
        }
        outcome = Outcome(
            exit_code=code,
            message=message,
            results=self.results,
            outputs=outputs,
            ended=now(),
        )
        write(self.folder / OUTCOME, outcome.model_dump_json().encode())
        return code

    def do_sh(self) -> int | None:
        """A real shell, as a real step would start it."""
        results = self.folder / "results"
        results.touch()
        words = ["sh"]
        while self.words:
            words.append(self.word())
        env = dict(os.environ) | {"ALONGSIDE_RESULTS": str(results)}
        shell = subprocess.Popen(words, cwd=self.place, env=env)
        signal.signal(
            signal.SIGTERM,
            lambda *_: (shell.terminate(), sys.exit(self.end(143, "It was told to end."))),
        )
        code = shell.wait()
        for line in results.read_text().splitlines():
            name, _, value = line.partition("=")
            self.results[name] = json.loads(value)
        return self.end(code, f"Exit status {code}.") if code else None

    def do_append(self) -> None:
        """Append a line to a file: who was here, and what was it given."""
        path = self.place / self.word()
        line = f"{self.task.step.name}:{self.task.attempt}\n"
        with path.open("a") as file:
            file.write(line)

    def do_progress(self) -> None:
        progress = Progress(phase="executing", message="It computes.", cell=2, cells=3, time=now())
        write(self.folder / PROGRESS, progress.model_dump_json().encode())

    def do_wait(self) -> None:
        """Until a file is there."""
        path = self.place / self.word()
        while not path.exists():
            time.sleep(0.01)

    def do_stubborn(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def do_result(self) -> None:
        name, value = self.word(), self.word()
        self.results[name] = json.loads(value)

    def do_value(self) -> None:
        """Write a word, with what its parameters are."""
        value, path = self.word(), self.place / self.word()
        path.write_text(value)

    def do_copy(self) -> None:
        source, target = self.place / self.word(), self.place / self.word()
        target.write_bytes(source.read_bytes())

    def do_say(self) -> None:
        print(self.word(), flush=True)

    def do_token(self) -> None:
        (self.place / self.word()).write_text((self.folder / TOKEN).read_text() + self.task.api)

    def do_environment(self) -> None:
        (self.place / self.word()).write_text(json.dumps(dict(os.environ)))

    def do_orphan(self) -> None:
        """Leave a process in a session of its own."""
        subprocess.Popen(["sleep", "600"], start_new_session=True)

    def do_unless(self) -> int | None:
        """Fail unless a file is there."""
        if (self.place / self.word()).exists():
            return None
        return self.end(1, "Cell 2 has failed.")

    def do_fail(self) -> int:
        return self.end(1, "Cell 2 has failed.")

    def do_die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def do_leave(self) -> int:
        """End without an outcome."""
        return 3

    def do_tell(self) -> None:
        """Write the outcome, but don't end yet."""
        self.end(0)


def main() -> int:
    """Do it."""
    return Standin(Path(sys.argv[1])).run()


if __name__ == "__main__":
    sys.exit(main())
