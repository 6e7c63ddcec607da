"""The bytes of a file, decompressed on the way: never the whole file in memory."""

import bz2
import gzip
import io
import lzma
import zlib
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from assay_services.ingest.input_record import InputError

LONGEST_LINE_BYTES = 64 * 1024 * 1024
_BUFFER_BYTES = 256 * 1024
_LINE_ENDS = (b"\n", b"\r")


class Compression(StrEnum):
    """How a file is compressed."""

    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"


_MAGIC = {
    b"\x1f\x8b": Compression.GZIP,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    b"BZh": Compression.BZIP2,
    b"\xfd7zXZ\x00": Compression.XZ,
}


class _ByteSource(Protocol):
    def readinto(self, buffer: bytearray | memoryview, /) -> int | None: ...
    def close(self) -> None: ...


def compression_of(path: Path) -> Compression | None:
    """Return how a file is compressed, by its first bytes; its name does not matter."""
    with path.open("rb") as file:
        first = file.read(8)
    return next((found for magic, found in _MAGIC.items() if first.startswith(magic)), None)


def open_bytes(path: Path, compression: Compression | None, *, lines: bool) -> io.BufferedReader:
    """Open a file for reading its decompressed bytes. Reading raises InputError where the data are damaged.

    `lines`: the file is read line by line, so a line of more than 64 MiB is refused instead of filling the memory.
    """
    longest = LONGEST_LINE_BYTES if lines else None
    return io.BufferedReader(_GuardedBytes(path, _source(path, compression), compression, longest), _BUFFER_BYTES)


def _source(path: Path, compression: Compression | None) -> _ByteSource:
    match compression:
        case Compression.GZIP:
            return gzip.GzipFile(path)
        case Compression.BZIP2:
            return bz2.BZ2File(path)
        case Compression.XZ:
            return lzma.LZMAFile(path)
        case Compression.ZSTD:
            import pyarrow as pa  # noqa: PLC0415  # heavy, and needed for these files only

            found: _ByteSource = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
            return found
    return path.open("rb", buffering=0)


class _GuardedBytes(io.RawIOBase):
    """A file's bytes: what its decompressor raises becomes an InputError, and so does a line without an end."""

    def __init__(
        self, path: Path, source: _ByteSource, compression: Compression | None, longest_line: int | None
    ) -> None:
        super().__init__()
        self._path, self._source, self._compression = path, source, compression
        self._longest = longest_line
        self._line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer
        try:
            count = self._source.readinto(buffer) or 0
        except (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError) as error:
            if self._compression is None:
                raise
            raise InputError(
                f"{self._path}: the {self._compression} data are damaged or cut off ({error}); "
                "compress the file again, or give it uncompressed"
            ) from None
        if self._longest is not None:
            self._measure(bytes(buffer[:count]))
        return count

    def _measure(self, read: bytes) -> None:
        end = max(read.rfind(sign) for sign in _LINE_ENDS)
        self._line = self._line + len(read) if end < 0 else len(read) - end - 1
        if self._longest is not None and self._line > self._longest:
            raise InputError(
                f"{self._path}: a line has more than {self._longest // 1024**2} MiB; no annotation is that long. "
                "Is it a file of another kind?"
            )

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
