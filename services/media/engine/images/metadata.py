"""Reads what a picture says about itself."""

from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags

from services.media.engine.images import exif
from services.media.engine.images.opening import content_type, opened
from services.media.engine.images.turning import stored_size

# Counter-clockwise degrees that undo an Exif orientation. Absent: a flip is needed.
_ROTATIONS = {1: 0.0, 3: 180.0, 6: 270.0, 8: 90.0}


@dataclass(frozen=True)
class ImageFacts:
    """What a picture says about itself. Fields are None where it is silent."""

    content_type: str
    # Pixels, as stored.
    width: int
    height: int
    # Whether pixels can be transparent.
    alpha: bool
    # As in Exif, 1 to 8.
    exif_orientation: int | None
    # Counter-clockwise degrees to turn the picture upright; None also when a flip is needed.
    rotation: float | None
    # When it was shot, as Exif writes it: YYYY:MM:DD hh:mm:ss.
    date_time: str | None
    # Whether the flash fired.
    flash: bool | None
    # Millimetres.
    focal_length: float | None
    iso_speed: float | None
    # Seconds.
    exposure_time: float | None


def describe(path: Path) -> ImageFacts:
    """What a picture says about itself, from its header. Raises BadMedia as `opened` does."""
    with opened(path) as image:
        tags = exif.tags(image)
        shot = exif.shot_with(tags)
        turn = exif.orientation(tags)
        width, height = stored_size(image)
        return ImageFacts(
            content_type=content_type(image),
            width=width,
            height=height,
            alpha=image.has_transparency_data,
            exif_orientation=turn,
            rotation=_ROTATIONS.get(turn) if turn else None,
            date_time=exif.date_time(tags, shot),
            flash=exif.flash(shot),
            focal_length=exif.number(shot.get(ExifTags.Base.FocalLength)),
            iso_speed=exif.iso_speed(shot),
            exposure_time=exif.number(shot.get(ExifTags.Base.ExposureTime)),
        )
