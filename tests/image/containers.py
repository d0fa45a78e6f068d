"""Services of docker-compose.yml without a container engine: their processes in the image.

Each has the user, the read-only root and the folders of the compose file, and its environment. It
uses the network of the caller, where the names of the services mean this machine.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.local import processes
from tests import compose

#: The services that run images of ours, and the image of each.
SERVICES: Final = {
    name: str(service["image"]) for name, service in compose.SERVICES.items() if "build" in service
}
#: Here all use the ports of one machine, which the first web server has.
_OWN: Final = {"web-2": {"PORT": "3010"}}

USER: Final = "10001:10001"
#: The folders that the compose file mounts; everything else is read-only.
_WRITABLE: Final = ("tmp", "files", "data", "backups")

#: Prepares the root in a mount namespace of its own, and becomes the service.
_ENTER: Final = f"""
set -e
root=$1; shift
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
for folder in {" ".join(_WRITABLE)}; do mount --bind "$FOLDERS/$folder" "$root/$folder"; done
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$FOLDERS/hosts" "$root/etc/hosts"
exec chroot --userspec={USER} "$root" /usr/bin/env --ignore-environment --chdir=/srv "$@"
"""


@dataclass(frozen=True)
class Image:
    """root: the folder of its files; config: what the Dockerfile says of its processes."""

    root: Path
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Containers:
    """The images by name, and what the services share. values: of the variables of the compose
    file."""

    images: Mapping[str, Image]
    folders: Path
    values: Mapping[str, str]
    replaced: Mapping[str, str]

    def make_folders(self) -> None:
        user, group = map(int, USER.split(":"))
        for name in _WRITABLE:
            (self.folders / name).mkdir()
            os.chown(self.folders / name, user, group)
        names = " ".join(compose.SERVICES)
        (self.folders / "hosts").write_text(f"127.0.0.1 localhost {names} bank.localhost\n")

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a service, as a container engine would set them."""
        image = dict(line.split("=", 1) for line in self._image(name).config["Env"])
        service = compose.SERVICES[name].get("environment") or {}
        given = {
            key: self._resolved(str(value)) for key, value in service.items() if value is not None
        }
        passed_on = {
            key: self.values[key]
            for key, value in service.items()
            if value is None and key in self.values
        }
        return image | given | passed_on | _OWN.get(name, {})

    def _image(self, name: str) -> Image:
        return self.images[SERVICES[name]]

    def _resolved(self, text: str) -> str:
        """The text with the values of its variables, and the addresses of our own servers."""

        def value(match: "re.Match[str]") -> str:
            return self.values.get(match["name"], match["default"] or "")

        text = re.sub(r"\$\{(?P<name>\w+)(?::[-?](?P<default>[^}]*))?\}", value, text)
        for pattern, replacement in self.replaced.items():
            text = re.sub(pattern, replacement, text)
        return text

    def _popen(self, name: str, arguments: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        variables = [f"{key}={value}" for key, value in self.environment(name).items()]
        enter = ["unshare", "--mount", "--propagation=private", "sh", "-c", _ENTER, "sh"]
        return subprocess.Popen(
            [*enter, str(self._image(name).root), *variables, *arguments],
            env={"PATH": os.environ["PATH"], "FOLDERS": str(self.folders)},
            **options,
        )

    def run(self, name: str, arguments: list[str]) -> int:
        """Run a command as a service to its end. Returns its exit code."""
        return self._popen(name, arguments).wait()

    @contextmanager
    def started(self, name: str) -> Iterator[None]:
        """A service, from when its health check passes until it is stopped by SIGTERM."""
        log = self.folders / f"{name}.log"
        arguments = compose.SERVICES[name].get("command") or self._image(name).config["Cmd"]
        with log.open("wb") as output:
            process = self._popen(
                name,
                list(arguments),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(name, process, log)
            yield
        finally:
            processes.stop(process, signal.SIGTERM)

    def _wait(self, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        check = compose.SERVICES[name].get("healthcheck", {}).get("test")
        arguments = check[1:] if check else self._image(name).config["Healthcheck"]["Test"][1:]
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            tried = self._popen(
                name, list(arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if tried.wait() == 0:
                return
            time.sleep(0.5)
        end = log.read_text(errors="replace")[-3000:]
        raise AssertionError(f"The service {name} is not healthy:\n{end}")
