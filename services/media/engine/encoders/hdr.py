"""Says the brightness and colours of a mastering display in the encoders' own words."""

from services.media.engine.colour import ColourVolume


def x264_colour_volume(volume: ColourVolume | None) -> list[str]:
    """x264's parameters for what is known."""
    return _parameters(volume, "mastering-display", "cll")


def x265_colour_volume(volume: ColourVolume | None) -> list[str]:
    """x265's parameters for what is known."""
    return _parameters(volume, "master-display", "max-cll")


def _parameters(volume: ColourVolume | None, display: str, light: str) -> list[str]:
    parameters = []
    if volume and volume.mastering:
        parameters.append(f"{display}={_words(volume)}")
    if volume and volume.light:
        parameters.append("{}={},{}".format(light, *volume.light))
    return parameters


def _words(volume: ColourVolume) -> str:
    red, green, blue, white, (darkest, brightest) = volume.mastering or ()
    points = zip("GBR", (green, blue, red), strict=True)
    words = [f"{name}({x},{y})" for name, (x, y) in points]
    return "".join(words) + f"WP({white[0]},{white[1]})L({brightest},{darkest})"
