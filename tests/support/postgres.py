"""A real PostgreSQL server of our own: a folder, a free port of loopback, and never as root."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from assay_services.devtools.ports import free_port

_FOLDERS = "usr/lib/postgresql/*/bin"
_USERS = ("postgres", "nobody")


def postgres_programs() -> Path | None:
    """Return the folder with the server's programs; None where there are none, or nobody may run them."""
    if os.geteuid() == 0 and (_user() is None or shutil.which("setpriv") is None):
        return None
    found = sorted(Path("/").glob(_FOLDERS), key=lambda path: int(path.parent.name.split(".")[0]))
    if found:
        return found[-1]
    program = shutil.which("initdb")
    return None if program is None else Path(program).resolve().parent


class LocalPostgres:
    """One server; usable with `with`. Its data go with it."""

    def __init__(self) -> None:
        """Choose a folder and a port. Raise FileNotFoundError where PostgreSQL is not installed."""
        programs = postgres_programs()
        if programs is None:
            raise FileNotFoundError("PostgreSQL is not installed")
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
        self._port = free_port()

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://assay@127.0.0.1:{self._port}/{database}"

    def create(self, database: str) -> str:
        """Create a database; return its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", "assay", database)
        return self.url(database)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c shared_buffers=64MB"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-D", str(self._folder / "data"), "-l", log, "-o", options)

    def stop(self, how: str = "fast") -> None:
        """Stop the server: `fast` rolls back what is open, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-w", "-m", how, "-D", str(self._folder / "data"))

    def __enter__(self) -> Self:
        """Make the data and start the server."""
        user = _user()
        if os.geteuid() == 0 and user is not None:
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", str(self._folder / "data"), "-U", "assay", "--encoding=UTF8", "--locale=C", "-N")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and remove its data."""
        self.stop("immediate")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        user = _user()
        if os.geteuid() == 0 and user is not None:
            as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            command = [*as_user, *command]
        done = subprocess.run(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr}")


def _user() -> pwd.struct_passwd | None:
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None
