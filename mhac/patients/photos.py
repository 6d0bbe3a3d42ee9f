"""Faces: what was uploaded becomes a small JPEG of our own making, without metadata."""

import io

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

# 3.5 x 4.5 cm at 300 dots per inch, the size that passports and partners ask for.
WIDTH, HEIGHT = 413, 531
MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
# What closes a picture and what it closes; telephones write more behind it. Pillow would notice what is cut off, but
# WeasyPrint makes it lenient in every process that has printed a paper.
_CLOSES = {"JPEG": (b"\xff\xd9", b"\xff\xda"), "PNG": (b"IEND", b"IDAT")}
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class Unusable(Exception):
    """The upload is no photograph we can keep. The text says why and what to do."""


def re_encode(data: bytes) -> bytes:
    """A JPEG of at most 413 x 531 pixels, upright, without EXIF, profile or comment; raises Unusable."""
    if len(data) > MAX_BYTES:
        raise Unusable(_("The photo is larger than 8 MB. Take it with a smaller size, or crop it to the face."))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if not _is_whole(data, image.format):
                raise OSError("cut off")
            if image.width * image.height > MAX_PIXELS:
                raise Unusable(_("The photo has more than 40 million pixels. Take it with a smaller size."))
            # A JPEG can be decoded at an eighth of its size: a large one costs no more memory than it must.
            image.draft("RGB", (2 * WIDTH, 2 * HEIGHT))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except _BOMBS:
        raise Unusable(_("The photo has more than 40 million pixels. Take it with a smaller size.")) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError):
        raise Unusable(_("This file is no photo that can be read. Choose a JPEG, PNG or WebP file.")) from None
    upright.thumbnail((WIDTH, HEIGHT))
    # Painted on a new sheet, so that nothing of the old file but its picture comes along.
    sheet = Image.new("RGB", upright.size, "white")
    sheet.paste(upright, mask=upright.getchannel("A"))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=88, optimize=True)
    return out.getvalue()


def _is_whole(data, kind):
    if kind not in _CLOSES:
        return True
    end, begin = _CLOSES[kind]
    return data.rfind(end) > data.rfind(begin)
