"""What the nursery imports before it forks: all of the program."""

from tests.support import nursery

nursery.load()
