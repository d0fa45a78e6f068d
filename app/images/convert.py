"""Converts an image to its sizes. Runs as a separate process (see converter).

What merchants upload is shown to others, so nothing of the file itself is kept: its pixels are
decoded and encoded anew as WebP, without metadata such as the place where a photo was taken.
"""

import json
import os
import resource
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from PIL import Image, ImageCms, ImageOps

from app.images.limits import MAX_MEGAPIXELS, SIDES, Problem

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_MAX_PIXELS: Final = MAX_MEGAPIXELS * 1_000_000
_QUALITY: Final = 82

#: Bytes of memory. The largest image takes 500 million as WebP, and fewer as PNG and JPEG.
_MAX_MEMORY: Final = 640 * 1024**2
_MAX_CPU_SECONDS: Final = 15


class Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def convert(data: bytes) -> Iterator[tuple[int, Image.Image]]:
    """The sizes of an image, the largest first, each with its maximum side. Raises Refused."""
    image = _opened(data)
    largest = max(image.size)
    image = _in_srgb(_upright(_reduced(image)))
    # The metadata would be written to the new file.
    image.info.clear()
    last = next((side for side in SIDES if side >= largest), SIDES[-1])
    for side in reversed([side for side in SIDES if side <= last]):
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        yield side, image


def _opened(data: bytes) -> Image.Image:
    """The image, whose pixels are not decoded yet."""
    Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        image = Image.open(BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Refused(Problem.TOO_LARGE) from error
    # Several pictures in a JPEG (MPO) are views of one, such as the depth map of a phone.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise Refused(Problem.ANIMATED)
    return image


def _reduced(image: Image.Image) -> Image.Image:
    """The image in the largest size, decoded, with colours that can be interpolated."""
    image.draft(None, (SIDES[-1], SIDES[-1]))  # a JPEG is decoded at a fraction of its size
    if image.mode.startswith("I"):  # 16 bits of grey, of which a conversion takes the lowest
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode not in ("L", "RGB", "RGBA", "CMYK"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.has_transparency_data and image.mode != "RGBA":
        image = image.convert("RGBA")
    image.thumbnail((SIDES[-1], SIDES[-1]), Image.Resampling.LANCZOS)
    return image


def _in_srgb(image: Image.Image) -> Image.Image:
    is_transparent = image.mode == "RGBA" and image.getextrema()[-1] != (255, 255)
    mode = "RGBA" if is_transparent else "RGB"
    if profile := image.info.get("icc_profile"):
        # A profile that is invalid, or for other colours, is ignored.
        with suppress(OSError, ImageCms.PyCMSError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode=mode
            )
            if converted is not None:
                return converted
    return image.convert(mode)


def _upright(image: Image.Image) -> Image.Image:
    """The image as it was meant to be seen: cameras only note how they were held."""
    with suppress(ValueError, TypeError, SyntaxError):  # the note is invalid
        return ImageOps.exif_transpose(image)
    return image


def _write(data: bytes, file: IO[bytes]) -> None:
    """Write a line of JSON with the sizes, then the bytes of each."""
    sizes, contents = [], []
    for side, image in convert(data):
        content = BytesIO()
        image.save(content, "WEBP", quality=_QUALITY)
        contents.append(content.getvalue())
        sizes.append((side, *image.size, len(contents[-1])))
    file.write(json.dumps({"sizes": sizes}).encode() + b"\n")
    file.writelines(contents)


def limit_resources() -> None:
    """Limit what a hostile image can use."""
    os.nice(10)  # web requests have priority
    with suppress(OSError):  # only Linux has it
        # If the container runs out of memory, this process ends and not one of the web processes.
        Path("/proc/self/oom_score_adj").write_text("1000")
    for limited, maximum in (
        (resource.RLIMIT_AS, _MAX_MEMORY),
        (resource.RLIMIT_CPU, _MAX_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS does not limit memory
            # The signal of the lower limit differs from that of a lack of memory.
            resource.setrlimit(limited, (maximum, maximum + 1))


def main() -> None:
    """Read an image, and write its sizes or `{"problem": …}`."""
    data = sys.stdin.buffer.read()
    limit_resources()
    try:
        _write(data, sys.stdout.buffer)
    except Refused as refused:
        problem = refused.problem
    # Decoders raise whatever they like for a damaged file.
    except Exception:
        problem = Problem.UNREADABLE
    else:
        return
    sys.stdout.buffer.write(json.dumps({"problem": problem}).encode() + b"\n")


if __name__ == "__main__":
    main()
