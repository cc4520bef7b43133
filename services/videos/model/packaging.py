"""Decides container, codec and profile."""

from dataclasses import dataclass

from services.videos.model.codecs import CODECS_OF, DNXHD, PLAIN, PRORES, Encoding
from services.videos.model.problems import Problems
from services.videos.model.size import Size
from services.videos.model.wishes import Source, Wish

_USUAL_CONTAINERS = ("mp4", "mov", "mxf", "mts")
"""Where a codec goes whose source's container does not take it: the first that does."""


@dataclass(frozen=True)
class Package:
    """A container, a codec in it, the codec's profile if it has one, and what that can hold."""

    container: str
    codec: str
    profile: str
    encoding: Encoding


def decide_package(wish: Wish, source: Source, size: Size, problems: Problems) -> Package:
    """Return what a video of frames of `size` is packed in.

    A profile given alone names its codec. What is left out is the source's where
    that fits, else the usual one.
    """
    codec = wish.codec or _codec_of_profile(wish)
    container = wish.container or _container(codec, source.container)
    if codec is None:
        fits = source.codec in CODECS_OF[container] and _suits(wish, source, size)
        codec = source.codec if fits else CODECS_OF[container][0]
    elif codec not in CODECS_OF[container]:
        takes = ", ".join(CODECS_OF[container])
        problems.add(
            "mediaContainerCodec.codec",
            f"{codec!r} does not go into {container}, which takes {takes}",
        )
    _check_profiles(wish, codec, problems)
    return Package(container, codec, *_profile(codec, wish, source))


def _codec_of_profile(wish: Wish) -> str | None:
    if wish.prores_profile:
        return "prores"
    return "dnxhd" if wish.dnxhd_profile else None


def _container(codec: str | None, like: str) -> str:
    if codec is None:
        return like if like in CODECS_OF else _USUAL_CONTAINERS[0]
    if codec in CODECS_OF.get(like, ()):
        return like
    return next(each for each in _USUAL_CONTAINERS if codec in CODECS_OF[each])


def _check_profiles(wish: Wish, codec: str, problems: Problems) -> None:
    """A profile belongs to its codec, and a codec asked for by name needs it."""
    for field, profile, owner, profiles in (
        ("appleProresProfile", wish.prores_profile, "prores", PRORES),
        ("dnxhdHrProfile", wish.dnxhd_profile, "dnxhd", DNXHD),
    ):
        if profile is not None and codec != owner:
            problems.add(field, f"is only for codec {owner}, not {codec}")
        elif profile is None and wish.codec == owner:
            problems.add(field, f"must be given with codec {owner}: {', '.join(profiles)}")


def _profile(codec: str, wish: Wish, source: Source) -> tuple[str, Encoding]:
    if codec == "prores":
        profile = wish.prores_profile or ("4444" if source.yuv in (None, "4:4:4") else "standard")
        return profile, PRORES[profile]
    if codec == "dnxhd":
        profile = wish.dnxhd_profile or _dnxhd_profile(source)
        return profile, DNXHD[profile]
    return "", PLAIN[codec]


def _suits(wish: Wish, source: Source, size: Size) -> bool:
    """Whether the source's codec can do what the wish says without naming a codec."""
    _, encoding = _profile(source.codec, wish, source)
    return (
        size.within(encoding.least, encoding.most)
        and (encoding.interlaces or not wish.interlaces)
        and (encoding.sets_bitrate or wish.mbps is None)
    )


def _dnxhd_profile(source: Source) -> str:
    """The profile that holds the source's colours in frames of any size."""
    if source.yuv in (None, "4:4:4"):
        return "dnxhr_444"
    return "dnxhr_hqx" if source.bits > 8 else "dnxhr_sq"
