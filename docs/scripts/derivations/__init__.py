"""Where the numbers of the stream format come from, and how exact they are."""
