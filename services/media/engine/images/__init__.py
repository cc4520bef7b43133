"""Still pictures: opening strangers' files, what they say, and making other pictures of them."""
