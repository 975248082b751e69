"""The first words of a stream, which tell streams apart."""

METHODS = ("uniform", "normal", "truncated_normal", "bits")


def words(rng, count=8):
    return rng.bits(count).tobytes()
