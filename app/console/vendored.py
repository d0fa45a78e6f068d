"""Updates the browser's libraries in `static/vendor` from npm: `python -m app.console.vendored`.

The files are byte for byte those of the packages; an import map in the page gives them their names.
To update a library, change its version here and run this command, which prints the integrity of
the package for the second run.
"""

import base64
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "static" / "vendor"
_TESTS: Final = Path(__file__).parents[2] / "tests" / "console" / "vendor"
_LIST: Final = "versions.txt"


@dataclass(frozen=True)
class Library:
    """A package of npm. integrity: of the package, as npm states it.

    modules: names that modules import, and their files in the package; licence: SPDX name;
    is_initial: whether every page needs it at once.
    """

    name: str
    version: str
    licence: str
    integrity: str
    modules: dict[str, str]
    folder: Path = FOLDER
    is_initial: bool = True

    def file_of(self, module: str) -> Path:
        """Where a module of this library is stored."""
        stem = module.removeprefix("@").replace("/", "-")
        return self.folder / f"{stem}.js"


LIBRARIES: Final = (
    Library(
        "preact",
        "11.2.0",
        "MIT",
        "sha512-/HfHI/7N84e6GrWBJ3J280z3mLaRJiDcSvj/A+y/4AbLnND/1UlGHe1sR6oYuTGwId0nP7dqDU9OnLxMPZ7xBg==",
        {
            "preact": "dist/preact.mjs",
            "preact/hooks": "hooks/dist/hooks.mjs",
        },
    ),
    Library(
        "@preact/signals-core",
        "1.14.5",
        "MIT",
        "sha512-vcRv7Ityz5JVmeiVqIluLFzT/PDS/AlhHUpw3/aUWqcVUs6bDGIPXE/6RSC4evBNWYvnniozg5Syfj33al3gkg==",
        {
            "@preact/signals-core": "dist/signals-core.mjs",
        },
    ),
    Library(
        "@preact/signals",
        "2.11.4",
        "MIT",
        "sha512-Rb+5RPo9gWSaHtzJeauhHxiC8KP/IF2DEPkHPEOGOnuy2wnJzRqyeLRankUCYd6ADqtxS6GnWGv6Ie343d8aYw==",
        {"@preact/signals": "dist/signals.mjs"},
    ),
    Library(
        "htm",
        "3.1.1",
        "Apache-2.0",
        "sha512-983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        {"htm": "dist/htm.mjs"},
    ),
    Library(
        "uplot",
        "1.6.32",
        "MIT",
        "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        {"uplot": "dist/uPlot.esm.js"},
        is_initial=False,
    ),
)

#: For tests only: no part of the application.
AXE: Final = Library(
    "axe-core",
    "4.14.1",
    "MPL-2.0",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    {"axe": "axe.min.js"},
    folder=_TESTS,
)


def listing(libraries: tuple[Library, ...]) -> str:
    """The text of `versions.txt`: library, version, licence, file and its SHA-256."""
    lines = ["# library version licence file sha256; made by python -m app.console.vendored"]
    for library in libraries:
        for module in library.modules:
            path = library.file_of(module)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{library.name} {library.version} {library.licence} {path.name} {digest}")
    return "\n".join(lines) + "\n"


def _download(library: Library) -> bytes:
    """The package. Exits if it is not the pinned one."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"{library.name}@{library.version}"
        command = ["npm", "pack", "--silent", "--ignore-scripts", name]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603
        (packed,) = Path(folder).glob("*.tgz")
        content = packed.read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != library.integrity:
        sys.exit(f"{name} has the integrity {found}, not {library.integrity}")
    return content


def _update(library: Library) -> None:
    library.folder.mkdir(exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(_download(library))) as archive:
        for module, member in library.modules.items():
            source = archive.extractfile(f"package/{member}")
            assert source is not None  # noqa: S101 – a file, or KeyError before
            library.file_of(module).write_bytes(source.read())
        licence = archive.extractfile("package/LICENSE")
        assert licence is not None  # noqa: S101
        first = library.file_of(next(iter(library.modules)))
        first.with_suffix(".licence.txt").write_bytes(licence.read())


def main() -> None:
    for library in (*LIBRARIES, AXE):
        _update(library)
    (FOLDER / _LIST).write_text(listing(LIBRARIES))
    (_TESTS / _LIST).write_text(listing((AXE,)))


if __name__ == "__main__":
    main()
