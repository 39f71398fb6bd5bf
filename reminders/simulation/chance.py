"""Independent streams of chance, named: the same name gives the same numbers in every life."""

from hashlib import blake2b
from random import Random


def stream(seed: int, *name: object) -> Random:
    """What happens to one thing must not depend on what happened to others: each has its own
    stream, so that two lives of a hospital differ by what is done to them and by nothing else
    (common random numbers)."""
    digest = blake2b(repr((seed, *name)).encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest))
