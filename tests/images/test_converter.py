"""What an uploaded image becomes, and which are refused."""

import signal
import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from app.common.errors import Unavailable
from app.images import converter
from app.images.converter import ConvertedSize, convert
from app.images.errors import ImageInvalid
from app.images.limits import MAX_MEGAPIXELS, Problem
from tests.images.helpers import decoded, encoded, picture

RED, BLUE = (255, 0, 0), (0, 0, 255)
SECRET = b"51.5007 N, 0.1246 W"


def halves(width: int = 400, height: int = 200) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), BLUE)
    return image


def only(sizes: list[ConvertedSize], side: int) -> Image.Image:
    (found,) = (size for size in sizes if size.side == side)
    image = decoded(found.content)
    assert (image.format, image.size) == ("WEBP", (found.width, found.height))
    return image


def is_near(color: Any, expected: tuple[int, ...]) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(color, expected, strict=True))


def problem_of(content: bytes) -> Problem:
    with pytest.raises(ImageInvalid) as refused:
        convert(content)
    return Problem(refused.value.details["problem"])


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (2000, 1000, {1600: (1600, 800), 640: (640, 320), 160: (160, 80)}),
        (500, 700, {1600: (500, 700), 640: (457, 640), 160: (114, 160)}),
        (640, 10, {640: (640, 10), 160: (160, 3)}),
        (90, 100, {160: (90, 100)}),
        (3000, 1, {1600: (1600, 1), 640: (640, 1), 160: (160, 1)}),
    ],
)
def test_an_image_is_made_smaller_but_never_enlarged(
    width: int, height: int, expected: dict[int, tuple[int, int]]
) -> None:
    sizes = convert(picture(width, height))

    assert {size.side: (size.width, size.height) for size in sizes} == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
def test_every_accepted_type_becomes_webp_without_metadata(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    options: dict[str, Any] = {"exif": exif}
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Comment", SECRET.decode())
    if kind == "MPO":
        options |= {"save_all": True, "append_images": [halves(100, 50)]}
    content = encoded(halves(), kind, **options)
    assert SECRET in content

    sizes = convert(content)

    assert all(SECRET not in size.content for size in sizes)
    image = only(sizes, 640)
    assert set(image.info) <= {"loop", "background", "timestamp", "duration"}
    assert is_near(image.getpixel((100, 100)), RED)
    assert is_near(image.getpixel((300, 100)), BLUE)


def test_a_photo_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # held by 90 degrees

    image = only(convert(encoded(halves(), "JPEG", exif=exif)), 640)

    assert image.size == (200, 400)
    assert is_near(image.getpixel((100, 100)), RED)
    assert is_near(image.getpixel((100, 300)), BLUE)


def test_colours_of_another_profile_become_srgb() -> None:
    """In a profile whose red and blue are swapped, red is blue."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    content = encoded(Image.new("RGB", (50, 50), RED), icc_profile=swapped)

    assert is_near(only(convert(content), 160).getpixel((25, 25)), BLUE)


def test_an_invalid_profile_is_ignored() -> None:
    content = encoded(Image.new("RGB", (50, 50), RED), icc_profile=b"no profile")

    assert is_near(only(convert(content), 160).getpixel((25, 25)), RED)


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        (Image.new("RGBA", (50, 50), (255, 0, 0, 128)), {}, (255, 0, 0, 128)),
        (Image.new("RGBA", (50, 50), (255, 0, 0, 255)), {}, RED),
        (Image.new("P", (50, 50), 0), {"transparency": 0}, (0, 0, 0, 0)),
        (Image.new("LA", (50, 50), (255, 0)), {}, (255, 255, 255, 0)),
        (Image.new("L", (50, 50), 255), {}, (255, 255, 255)),
        (Image.new("1", (50, 50), 1), {}, (255, 255, 255)),
        (Image.new("I;16", (50, 50), 0x8000), {}, (128, 128, 128)),
    ],
    ids=lambda value: getattr(value, "mode", None),
)
def test_every_kind_of_pixels_is_converted(
    image: Image.Image, options: dict[str, Any], expected: tuple[int, ...]
) -> None:
    color = only(convert(encoded(image, **options)), 160).getpixel((25, 25))

    assert isinstance(color, tuple)
    # The colour of an invisible pixel does not matter.
    assert color[3:] == (0,) if expected[3:] == (0,) else is_near(color, expected)


def test_a_cmyk_photo_is_converted() -> None:
    content = encoded(Image.new("CMYK", (50, 50), (0, 255, 255, 0)), "JPEG")

    assert is_near(only(convert(content), 160).getpixel((25, 25)), (254, 0, 0))


class TestRefusing:
    @pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "ICO"])
    def test_other_types_are_refused(self, kind: str) -> None:
        assert problem_of(encoded(halves(), kind)) == Problem.UNREADABLE

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_a_truncated_image_is_refused(self, kind: str) -> None:
        content = encoded(halves(), kind)
        assert problem_of(content[: len(content) // 2]) == Problem.UNREADABLE

    @pytest.mark.parametrize(
        "content", [b"\x00", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"MZ" + bytes(100)]
    )
    def test_what_is_no_image_is_refused(self, content: bytes) -> None:
        assert problem_of(content) == Problem.UNREADABLE

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_an_animation_is_refused(self, kind: str) -> None:
        frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])

        assert problem_of(content) == Problem.ANIMATED

    @pytest.mark.parametrize("times", [1, 40])
    def test_too_many_pixels_are_refused_before_they_are_decoded(self, times: int) -> None:
        """A few kilobytes that would become gigabytes, and one line of pixels too many."""
        image = Image.new("1", (5_000, (MAX_MEGAPIXELS * 200 + 1) * times))

        assert problem_of(encoded(image)) == Problem.TOO_LARGE

    def test_a_decoder_that_crashes_refuses_the_image(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        crash = f"import os; os.kill(os.getpid(), {signal.SIGSEGV:d})"
        monkeypatch.setattr(converter, "COMMAND", (sys.executable, "-c", crash))

        assert problem_of(picture()) == Problem.UNREADABLE

    def test_without_memory_the_upload_can_be_repeated(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kill = f"import os; os.kill(os.getpid(), {signal.SIGKILL:d})"
        monkeypatch.setattr(converter, "COMMAND", (sys.executable, "-c", kill))

        with pytest.raises(Unavailable):
            convert(picture())

    def test_a_decoder_that_takes_too_long_is_killed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(converter, "COMMAND", (sys.executable, "-c", "input()\nwhile 1: pass"))
        monkeypatch.setattr(converter, "TIMEOUT", 0.2)

        with pytest.raises(Unavailable):
            convert(picture())


def test_the_process_has_little_memory_and_time() -> None:
    script = (
        "import resource as r; from app.images.convert import limit_resources as l; l();"
        "print(*(r.getrlimit(x)[0] for x in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_FSIZE)),"
        " open('/proc/self/oom_score_adj').read())"
    )
    printed = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True)

    assert printed.stdout.split() == [b"671088640", b"15", b"0", b"1000"]


@pytest.mark.stress
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_largest_accepted_image_fits_into_the_memory(kind: str) -> None:
    image = Image.effect_noise((5_000, 200 * MAX_MEGAPIXELS), 30).convert("RGBA")
    image.putalpha(100)
    options: dict[str, Any] = {"JPEG": {"progressive": True}, "WEBP": {"method": 0}}.get(kind, {})
    content = BytesIO()
    (image.convert("RGB") if kind == "JPEG" else image).save(content, kind, **options)

    assert [size.side for size in convert(content.getvalue())] == [1600, 640, 160]
