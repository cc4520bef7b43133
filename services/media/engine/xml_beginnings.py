"""How files of XML begin, for whoever tells what a file is by its first bytes."""

BEFORE_ELEMENTS = rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->)*+"
"""A pattern, `.` taking line ends too, of what may stand before the first tag or document type.

That is a byte order mark, instructions and comments. They are never read another way, of which
there would be too many.
"""
