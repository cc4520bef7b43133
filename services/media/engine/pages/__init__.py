"""Finds the images and videos of a web page, without running its scripts.

`scraping` reads a file; `reader` follows its tags; `pictures`, `films`, `heads` and `linked`
know where pages name images and videos; `charsets` and `addresses` make text and addresses of
what is written.
"""
