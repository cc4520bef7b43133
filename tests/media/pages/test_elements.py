"""Where pages show images and videos, element by element."""
# A case a line, so that tables stay tables.
# ruff: noqa: E501

from pathlib import Path

import pytest

from services.media.engine.pages.hits import MOST_HITS, Hit
from tests.media.pages.writing import hits, image, video

PICTURES: dict[str, tuple[str, list[Hit]]] = {
    "image": ('<img src=a.jpg width=640 height="480px" alt=" A  cat ">', [image("a.jpg", 640, 480, "A cat")]),
    "percentages": ("<img src=a.jpg width=100% height=auto title=B>", [image("a.jpg", None, None, "B")]),
    "quoted": ("<IMG SRC='a&amp;b.jpg?x=1&copy=2'>", [image("a&b.jpg?x=1&copy=2")]),
    "spaces": ('<img src=" a b\n.jpg#part ">', [image("a%20b.jpg")]),
    "letters": ("<img src='/ä/日.jpg?ü'>", [image("https://site.example/%C3%A4/%E6%97%A5.jpg?%C3%BC")]),
    "host": ("<img src=https://BÜCHER.example/a>", [image("https://xn--bcher-kva.example/a")]),
    "protocol": ("<img src=//cdn.example:8080/a>", [image("https://cdn.example:8080/a")]),
    "widest": ('<img src=s.jpg width=100 height=50 srcset="m.jpg 400w, l.jpg 800w,s.jpg 100w">', [image("l.jpg", 800, 400)]),
    "densest": ('<img src=1.jpg width=100 height=50 srcset="2.jpg 2x, 15.jpg 1.5x">', [image("2.jpg", 200, 100)]),
    "densest of unknown": ('<img src=1.jpg srcset="2.jpg 2x">', [image("2.jpg")]),
    "commas": ('<img srcset="a,b.jpg 10w, c.jpg 20w">', [image("c.jpg", 20)]),
    "picture": (
        "<picture><source srcset='a.avif 400w, b.avif 1200w' type='image/avif'><img src=c.jpg width=300 height=200 alt=D></picture>",
        [image("b.avif", 1200, 800, "D", "image/avif")],
    ),
    "picture of equals": ("<picture><source srcset=a.webp type=image/webp><img src=a.jpg></picture>", [image("a.jpg")]),
    "picture without image": ("<picture><source srcset=a.webp></picture><img src=b>", [image("a.webp"), image("b")]),
    "lazy": ("<img src=data:image/gif;base64,R0lG data-src=a.jpg width=5 height=4>", [image("a.jpg", 5, 4)]),
    "lazy for a placeholder": ("<img src=blank.gif data-lazy-src=a.jpg>", [image("a.jpg")]),
    "lazy set": ('<img src=blank.gif data-srcset="a.jpg 300w, b.jpg 600w">', [image("b.jpg", 600)]),
    "lazy by another script": ("<img src=blank.gif data-lazyload=a.jpg><img data-flickity-lazyload=b.jpg>", [image("a.jpg"), image("b.jpg")]),
    "lazy nonsense": ('<img src=a.jpg data-src="{id: 5}" data-image="12">', [image("a.jpg")]),
    "lazy and without scripts": ("<img data-src=a.jpg><noscript><img src=a.jpg width=3 height=2></noscript>", [image("a.jpg", 3, 2)]),
    "no script": ("<noscript><img src=a.jpg></noscript>", [image("a.jpg")]),
    "tracking": ("<img src=t.gif width=1 height=1><img src=u.gif width=0 height=0><img src=r.gif width=1 height=9>", [image("r.gif", 1, 9)]),
    "no addresses": ("<img src=data:image/png;base64,AA><img src=javascript:x><img src=blob:a><img src=file:///a><img src='{{x}}'><img src><img src='#'><img src=''>", []),
    "broken addresses": ("<img src=http://[/a><img src=http://a:99999/><img src='http:// /'><img src=//>", []),
    "duplicates": ("<img src=a.jpg><img src=./a.jpg#x alt=A width=2 height=1><img src=../dir/a.jpg alt=B>", [image("a.jpg", 2, 1, "A")]),
    "background": ("<p style=\"color:red;background-image : URL('a.jpg'), url(b.png)\"><p style=background:url(data:x)>", [image("a.jpg"), image("b.png")]),
    "old background": ("<body background=a.gif><table background=' b.gif '><tr><td background=''>", [image("a.gif"), image("b.gif")]),
    "lazy background": ("<p data-bg=a.jpg><p data-bg=\"url('b.jpg')\"><p data-bg=red>", [image("a.jpg"), image("b.jpg")]),
    "drawn": ("<svg><title>no</title><image href=a.png /><image xlink:href=b.png width=9 height=8></svg>", [image("a.png"), image("b.png", 9, 8)]),
    "button": ("<input type=IMAGE src=a.png><input type=text src=b.png>", [image("a.png")]),
    "amp": ("<amp-img src=a.jpg width=4 height=3></amp-img>", [image("a.jpg", 4, 3)]),
    "inert": ("<template><img src=a.jpg></template><!-- <img src=b> --><script>'<img src=c>'</script><textarea><img src=d></textarea><style>p{background:url(e)}</style>", []),
    "unclosed": ("<p><b><img src=a.jpg<p><table><img src=b.jpg", [image("a.jpg%3Cp")]),
}  # fmt: skip

FILMS: dict[str, tuple[str, list[Hit]]] = {
    "video": ("<video src=a.mp4 poster=p.jpg width=640 height=360 title=F></video>", [video("a.mp4", 640, 360, "F"), image("p.jpg", 640, 360, "F")]),
    "sources": (
        "<video poster=p.jpg><source src=a.webm type='video/webm; codecs=vp9'><source src=a.mp4 type=video/mp4></video>",
        [video("a.webm", None, None, None, "video/webm"), image("p.jpg")],
    ),
    "poster alone": ("<video poster=p.jpg></video><source src=no.mp4>", [image("p.jpg")]),
    "stream of a script": ("<video src=blob:https://a/b data-src=a.mp4></video>", [video("a.mp4")]),
    "sound": ("<audio src=a.mp3><source src=b.mp3></audio>", []),
    "sound beside": ("<audio><source src=b.mp3></audio><video><source src=a.mp4></video>", [video("a.mp4")]),
    "frames": (
        "<iframe src=//www.youtube.com/embed/x?rel=0 width=560 height=315 title=Y></iframe>"
        "<iframe src=https://player.vimeo.com/video/1></iframe><iframe data-src=https://www.dailymotion.com/embed/video/x></iframe>"
        "<iframe src=about:blank data-src=https://www.youtube-nocookie.com/embed/x></iframe>"
        "<iframe src=https://tube.example/videos/embed/1></iframe><iframe src=film.mp4></iframe>",
        [
            video("https://www.youtube.com/embed/x?rel=0", 560, 315, "Y"),
            video("https://player.vimeo.com/video/1"),
            video("https://www.dailymotion.com/embed/video/x"),
            video("https://www.youtube-nocookie.com/embed/x"),
            video("https://tube.example/videos/embed/1"),
            video("film.mp4"),
        ],
    ),
    "other frames": ("<iframe src=https://ads.example/youtube.com/embed/1></iframe><iframe src=map.html></iframe>", []),
    "frame without scripts": ("<noscript><iframe src=https://www.youtube.com/embed/x></iframe></noscript>", [video("https://www.youtube.com/embed/x")]),
    "object": (
        "<object data=a.swf type=application/x-shockwave-flash><param name=movie value=https://www.youtube.com/v/x></object>"
        "<object data=a type=video/mp4 width=4 height=3></object><object data=b.svg></object><embed src=c.webm><embed src=d.pdf>",
        [
            video("https://www.youtube.com/v/x"),
            video("a", 4, 3, None, "video/mp4"),
            image("b.svg"),
            video("c.webm"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), PICTURES.values(), ids=PICTURES)
def test_pictures(tmp_path: Path, body: str, expected: list[Hit]) -> None:
    assert hits(tmp_path, body) == expected


@pytest.mark.parametrize(("body", "expected"), FILMS.values(), ids=FILMS)
def test_films(tmp_path: Path, body: str, expected: list[Hit]) -> None:
    assert hits(tmp_path, body) == expected


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("<base href=/other/>", "https://site.example/other/a.jpg"),
        ("<base href=http://elsewhere.example/x/y>", "http://elsewhere.example/x/a.jpg"),
        ("<base target=x><base href=b/><base href=c/>", "https://site.example/dir/b/a.jpg"),
        ("<base href=javascript:1>", "https://site.example/dir/a.jpg"),
        ("<base href=http://[>", "https://site.example/dir/a.jpg"),
    ],
)
def test_base_holds_for_all_of_the_page(tmp_path: Path, base: str, expected: str) -> None:
    body = f"<link rel=image_src href=a.jpg>{base}<img src=a.jpg>"
    assert hits(tmp_path, body) == [image(expected)]


def test_a_page_has_no_more_hits_than_people_can_look_at(tmp_path: Path) -> None:
    body = "".join(f"<img src={number}.jpg>" for number in range(MOST_HITS + 5))
    found = hits(tmp_path, body)
    assert found[-1] == image(f"{MOST_HITS - 1}.jpg")
