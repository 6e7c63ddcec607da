"""Compile `assay_models.conduct` into the wheel if asked to: `HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip install models`.

It is the same Python, made into extension modules by mypyc; it needs a C compiler. The source stays in the wheel, for
whoever reads a traceback.
"""

import sys
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED = Path("assay_models", "conduct")


class CompiledWheel(BuildHookInterface[BuilderConfig]):
    """A hook of hatchling; it works in a folder of its own, and leaves nothing in the tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the wheel take in what came out; an editable install stays as it is written."""
        if version == "editable":
            return
        self._folder = TemporaryDirectory(prefix="assay-compiled-")
        sources, made = Path(self._folder.name, "sources"), Path(self._folder.name, "made")
        copytree(Path(self.root, "assay_models"), sources / "assay_models")
        copytree(_folder_of("assay_schemas"), sources / "assay_schemas")  # the compiler compiles by its types
        _compile(sources, made)
        found = {str(one): str(one.relative_to(made)) for one in made.rglob("*") if one.is_file()}
        build_data["force_include"].update(found)
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  # as hatchling calls it
        """Throw away what the wheel has taken in."""
        if version != "editable":
            self._folder.cleanup()


def _folder_of(package: str) -> Path:
    """Return where an installed package lies; raise ImportError where it is not installed."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ImportError(f"compiling needs the package '{package}': install it first")
    return Path(found.origin).parent


def _compile(sources: Path, made: Path) -> None:
    """Compile the modules as they lie in `sources`; the compiler looks for what they import where it is started."""
    from mypyc.build import mypycify  # noqa: PLC0415  # only who compiles needs a compiler
    from setuptools import Distribution  # type: ignore[import-untyped]  # noqa: PLC0415  # the same

    with chdir(sources):
        modules = [str(path) for path in sorted(COMPILED.glob("[a-z]*.py"))]
        options = ["--config-file=", "--ignore-missing-imports", f"--python-executable={sys.executable}"]
        extensions = mypycify([*options, *modules], opt_level="2", debug_level="0", group_name="assay_conduct")
        for extension in extensions:
            extension.extra_compile_args.append("-ffp-contract=off")  # or some machines round differently than Python
        command = Distribution({"name": "assay-models", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(made), str(sources / "build")
        command.ensure_finalized()
        command.run()
