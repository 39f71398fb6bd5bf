"""What of one table follows from others of the same month: solved, not guessed.

Texts, channels, languages and how patients are reached are decided by the same facts, so that
their lines are sums of the same appointments, and adding and subtracting lines of one table may
come to a line that another one hides. Here every told line of a month is a vector over what
occurs together in a service, and a small line is given away exactly if it is a combination of
them. Lines of one service meet those of another in the hospital's only: so the scalar products of
each service are taken in turn, and the hospital's lines less what each service's explain of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reminders.domain.hiding import WHOLE, Key, Row

Numbers = NDArray[np.float64]
Ints = NDArray[np.int64]
TINY = 1e-7
Line = tuple[str, Key]  # of which table


@dataclass(frozen=True, slots=True)
class Table:
    """`place`: of each unit's value; of a line's patients `sizes` knows how many there are."""

    place: Ints
    names: Sequence[str]
    sizes: Mapping[Key, int]


@dataclass(slots=True)
class _Block:
    """Scalar products of a service's lines, of those with the hospital's, and of these."""

    row: Row
    lines: Sequence[Line]
    own: Numbers
    mixed: Numbers
    whole: Numbers
    told: list[int] = field(default_factory=list)  # places among `lines`, and that of its whole
    inverse: Numbers = field(default_factory=lambda: np.zeros((0, 0)))

    def left(self) -> Numbers:
        """Of the hospital's lines, what the told ones of this service do not explain."""
        mixed = self.mixed[self.told]
        return self.whole - mixed.T @ self.inverse @ mixed


def given_away(
    tables: Mapping[str, Table],
    rows: Sequence[Row],
    row: Ints,
    rows_out: frozenset[Row],
    hidden: frozenset[Line],
    few: int,
) -> set[Line]:
    """The cheapest lines to hide besides, as something of fewer than `few` patients follows from
    what is told; `row`: of each unit, its place among `rows`, in ascending order."""
    wholes = _lines(tables, WHOLE, [np.unique(one.place) for one in tables.values()])
    blocks = list(_blocks(tables, rows, row, wholes))
    for block in blocks:
        block.told = [n for n, line in enumerate(block.lines) if line not in hidden]
        if block.row not in rows_out:
            block.told.append(len(block.lines))  # its whole is the last one
        else:
            block.told = []
        block.inverse = _inverse(block.own[np.ix_(block.told, block.told)])
    audit = _Audit(
        {line: tables[line[0]].sizes[line[1]] for block in blocks for line in block.lines}
        | {line: tables[line[0]].sizes[line[1]] for line in wholes},
        few,
        wholes,
        [n for n, line in enumerate(wholes) if line not in hidden] + [len(wholes)],
        sum((block.left() for block in blocks), np.zeros((len(wholes) + 1, len(wholes) + 1))),
    )
    found = audit.of_wholes()
    for block in blocks:
        if block.row not in rows_out:
            found |= audit.of_row(block)
    return found


@dataclass(slots=True)
class _Audit:
    sizes: Mapping[Line, int]
    few: int
    wholes: Sequence[Line]
    told: list[int]  # places among `wholes`, and that of everything
    left: Numbers  # scalar products of the wholes less what the rows explain

    def __post_init__(self) -> None:
        self.inverse = _inverse(self.left[np.ix_(self.told, self.told)])

    inverse: Numbers = field(init=False)

    def of_wholes(self) -> set[Line]:
        small = self._small(self.wholes)
        weights = self.inverse @ self.left[np.ix_(self.told, small)]
        explained = (self.left[np.ix_(small, self.told)] * weights.T).sum(axis=1)
        rest = self.left.diagonal()[small] - explained
        return self._cheapest(weights[:, rest < TINY], self._told())

    def of_row(self, block: _Block) -> set[Line]:
        small = self._small(block.lines)
        wanted = block.own[np.ix_(small, block.told)]
        mixed = block.mixed[block.told]
        mine = block.inverse @ wanted.T
        across = (block.mixed[small] - mine.T @ mixed)[:, self.told]
        wide = self.inverse @ across.T
        rest = block.own.diagonal()[small] - (wanted * mine.T).sum(axis=1)
        follows = rest - (across * wide.T).sum(axis=1) < TINY
        mine -= block.inverse @ mixed[:, self.told] @ wide
        weights = np.concatenate([mine[:-1], wide])[:, follows]
        return self._cheapest(weights, [*(block.lines[n] for n in block.told[:-1]), *self._told()])

    def _told(self) -> list[Line]:
        return [self.wholes[n] for n in self.told[:-1]]

    def _small(self, lines: Sequence[Line]) -> list[int]:
        return [n for n, line in enumerate(lines) if self.sizes[line] < self.few]

    def _cheapest(self, weights: Numbers, lines: Sequence[Line]) -> set[Line]:
        """Of each column of weights, of these lines."""
        found = set()
        for column in weights.T:
            some = [line for line, one in zip(lines, column, strict=False) if abs(one) > TINY]
            if some:
                found.add(min(some, key=lambda line: (self.sizes[line], str(line))))
        return found


def _lines(tables: Mapping[str, Table], row: Row, taken: Sequence[Ints]) -> list[Line]:
    return [
        (name, (row, table.names[int(one)]))
        for (name, table), places in zip(tables.items(), taken, strict=True)
        for one in places
    ]


def _blocks(
    tables: Mapping[str, Table], rows: Sequence[Row], row: Ints, wholes: Sequence[Line]
) -> Iterator[_Block]:
    every = [np.unique(table.place) for table in tables.values()]
    at = [
        np.searchsorted(all_of, one.place)
        for all_of, one in zip(every, tables.values(), strict=True)
    ]
    key = row.copy()
    for places, all_of in zip(at, every, strict=True):
        key = key * len(all_of) + places
    _, first = np.unique(key, return_index=True)
    first = first[np.argsort(row[first], kind="stable")]
    ends = np.searchsorted(row[first], np.arange(len(rows) + 1))
    for n, name in enumerate(rows):
        some = first[ends[n] : ends[n + 1]]
        those = [places[some] for places in at]
        wide = np.concatenate(
            [
                places[:, None] == np.arange(len(all_of))
                for places, all_of in zip(those, every, strict=True)
            ]
            + [np.ones((len(some), 1), np.bool_)],
            axis=1,
        ).astype(np.float64)
        products = wide.T @ wide
        mine = np.flatnonzero(products.diagonal())
        lines = [(wholes[int(one)][0], (name, wholes[int(one)][1][1])) for one in mine[:-1]]
        yield _Block(name, lines, products[np.ix_(mine, mine)], products[mine], products)


def _inverse(products: Numbers) -> Numbers:
    if not len(products):
        return np.zeros((0, 0))
    found: Numbers = np.linalg.pinv(products, rcond=1e-10, hermitian=True).astype(np.float64)
    return found
