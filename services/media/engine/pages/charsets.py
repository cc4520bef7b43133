"""In which encoding a page is written: https://html.spec.whatwg.org/#determining-the-character-encoding."""

import codecs
import re

# What labels mean on the web is not always what they say: https://encoding.spec.whatwg.org/#names-and-labels.
# By Python's own names, so that aliases need no list; what is missing here runs no codec.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "utf-16": "utf-16-le",
    **{
        name: name
        for name in (
            *(
                "utf-8",
                "utf-16-le",
                "utf-16-be",
                "gb18030",
                "cp932",
                "cp949",
                "big5hkscs",
                "cp866",
                "cp874",
                "koi8-r",
            ),
            *("koi8-u", "euc_jp", "iso2022_jp", "mac-roman", "mac-cyrillic"),
            *(f"cp{number}" for number in range(1250, 1259)),
            *(f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
        )
    },
}
_ALIASES = {
    "unicode-1-1-utf-8": "utf-8",
    "iso-8859-8-i": "iso-8859-8",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "windows-31j": "cp932",
    "x-x-big5": "big5",
    "x-mac-cyrillic": "mac-cyrillic",
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LABEL = re.compile(r"[a-z0-9_:()-]{1,40}")
# As far as browsers look for a declaration.
_DECLARATION_BYTES = 8192
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META = re.compile(rb"<meta[\s/][^>]*?charset\s*=[\s\"']*([^\s\"'/>;]+)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)", re.IGNORECASE)


def codec_of(head: bytes, declared: str | None) -> str:
    """The Python codec of a page, from its beginning and the charset that its server declares."""
    for mark, codec in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return codec
    return (declared and _codec(declared)) or _told_inside(head) or _sniffed(head)


def _told_inside(head: bytes) -> str | None:
    beginning = _COMMENT.sub(b"", head[:_DECLARATION_BYTES])
    labels = (*_META.findall(beginning), *_XML.findall(beginning)[:1])
    told = next((codec for label in labels if (codec := _codec(label.decode("latin-1")))), None)
    # A page that can say so in ASCII is not written in it.
    return "utf-8" if told in ("utf-16-le", "utf-16-be") else told


def _sniffed(head: bytes) -> str:
    for codec, opening in (("utf-16-le", b"<\0"), ("utf-16-be", b"\0<")):
        if head.startswith(opening):
            return codec
    try:
        # The last character may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _codec(label: str) -> str | None:
    """What a label means on the web; None when it is not known there."""
    label = label.strip().lower()
    if not _LABEL.fullmatch(label):
        return None
    for name in (_ALIASES.get(label, label), label.removeprefix("x-")):
        try:
            return _MEANT.get(codecs.lookup(name).name)
        except LookupError:
            continue
    return None
