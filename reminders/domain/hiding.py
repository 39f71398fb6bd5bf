"""Which lines of a month's tables may not be told, so that nobody learns of four patients or fewer.

A table tells a month by service (rows) and by the values of one dimension (columns). Every report
is put together from three kinds of sums: a cell that is shown, the whole of a row that is shown,
and the whole of a column that is published. So what is hidden here can be worked out from no
report, whatever period or services it is about, however many of them somebody lays side by side:

1. a cell about fewer than `HIDDEN_BELOW` patients is hidden (primary). Patients are those whose
   outcome is known: ten who are still to come do not hide the one who came. Where none is known
   yet, nothing but who is expected is told, and those are counted;
2. a row hides at least two cells, of `HIDDEN_BELOW` patients or more together; a column is
   published only if it hides none, or as much (secondary): what is left of a sum then never is
   one cell, nor a few patients;
3. hidden cells and the sums they are in form a graph: a cell is the only way between two parts
   of it exactly if it follows from the sums. Columns leave the published ones, together, until
   no cell is (a row may hide three cells, a column two, and one of them still follow).

A service that is itself too small in a month is hidden as a row: its cells join those of others
too small, and of the smallest one that is not, until that makes `HIDDEN_BELOW` patients.

Primary and secondary suppression, with the audit of what the marginals still give away: Hundepool
et al., Statistical Disclosure Control (2012), ch. 4; that bridges of the graph are what follows:
D. Gusfield, A graph theoretic approach to statistical data security, SIAM J. Comput. 17 (1988).
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reminders.domain.report import HIDDEN_BELOW

Row = str
Column = Hashable
Key = tuple[Row, Column]
SMALL = "\0small"  # the row of all services too small to be one
REST = "\0rest"  # the column of all that are not published


@dataclass(frozen=True, slots=True)
class Group:
    """Who a cell is about: how many patients of known outcome, and which ones where they are too
    few. `waiting`: how many there are where no outcome is known; `few` is of these then."""

    patients: int
    few: frozenset[int] = field(default_factory=frozenset)  # all of them, if under HIDDEN_BELOW
    waiting: int = 0

    @property
    def size(self) -> int:
        return self.patients or self.waiting

    @property
    def small(self) -> bool:
        return self.size < HIDDEN_BELOW


@dataclass(frozen=True, slots=True)
class Hiding:
    """`cells`: may not be told, those of hidden rows included; `columns`: no total of them is."""

    cells: frozenset[Key]
    columns: frozenset[Column]


def enough(groups: Iterable[Group]) -> bool:
    """Are they about HIDDEN_BELOW patients or more together? Those without any known outcome
    add nothing to those that have one."""
    every = list(groups)
    found = [group for group in every if group.patients] or every
    if any(not group.small for group in found):
        return True
    return len(frozenset[int]().union(*(group.few for group in found))) >= HIDDEN_BELOW


def hidden_rows(services: Mapping[Row, Group]) -> frozenset[Row]:
    """Services that are no line of their own in this month."""
    hidden = [name for name, group in services.items() if group.small]
    others = [name for name in services if name not in hidden]
    while hidden and others and not (len(hidden) > 1 and enough(services[n] for n in hidden)):
        known = any(services[name].patients for name in hidden)
        one = min(others, key=lambda name: (*_cost(services[name], known=known), name))
        others.remove(one)
        hidden.append(one)
    return frozenset(hidden)


def _cost(group: Group, *, known: bool) -> tuple[bool, int]:
    """Of hiding one more: first what helps, which beside known outcomes are known ones."""
    return (known and not group.patients, group.size)


def hide(cells: Mapping[Key, Group], rows_hidden: Collection[Row]) -> Hiding:
    """Of a table without its empty cells."""
    hidden = {key for key, group in cells.items() if group.small}
    hidden |= {key for key in cells if key[0] in rows_hidden}
    for row in sorted({row for row, _ in hidden} - set(rows_hidden)):
        _protect_row(row, cells, hidden)
    columns = _published(cells, hidden, rows_hidden)
    return Hiding(frozenset(hidden), columns)


def _protect_row(row: Row, cells: Mapping[Key, Group], hidden: set[Key]) -> None:
    mine = [key for key in cells if key[0] == row]
    while True:
        out = [key for key in mine if key in hidden]
        left = [key for key in mine if key not in hidden]
        if not left or (len(out) > 1 and enough(cells[key] for key in out)):
            return
        known = any(cells[key].patients for key in out)
        hidden.add(min(left, key=lambda key: (*_cost(cells[key], known=known), str(key[1]))))


def _published(
    cells: Mapping[Key, Group], hidden: Collection[Key], rows_hidden: Collection[Row]
) -> frozenset[Column]:
    """The columns whose total may not be told."""
    names = sorted({column for _, column in cells}, key=str)
    sizes = {name: sum(cells[key].size for key in cells if key[1] == name) for name in names}
    withheld: set[Column] = set()
    for name in names:
        out = [key for key in hidden if key[1] == name]
        if out and not (len(out) > 1 and enough(cells[key] for key in out)):
            withheld.add(name)
    while True:
        if len(withheld) == 1 and len(names) > 1:  # else its total is what is left of the whole
            withheld.add(min(set(names) - withheld, key=lambda name: (sizes[name], str(name))))
        edges = [_edge(key, withheld, rows_hidden) for key in hidden]
        follows = _bridges(edges)
        if not follows:
            return frozenset(withheld)
        more = _columns_of(follows, edges) - withheld
        if not more:
            return frozenset(withheld)
        withheld |= more


def _edge(key: Key, withheld: Collection[Column], rows_hidden: Collection[Row]) -> tuple[str, str]:
    row, column = key
    return (
        "r" + (SMALL if row in rows_hidden else row),
        "c" + (REST if column in withheld else str(column)),
    )


def _columns_of(follows: set[int], edges: Sequence[tuple[str, str]]) -> set[Column]:
    """Published columns that touch a row in which a cell follows from the sums."""
    rows = {edges[index][0] for index in follows}
    return {column[1:] for row, column in edges if row in rows and column != "c" + REST}


def _bridges(edges: Sequence[tuple[str, str]]) -> set[int]:
    """Edges of a multigraph without which their ends are no longer connected (Tarjan 1974)."""
    around: dict[str, list[tuple[str, int]]] = {}
    for index, (one, other) in enumerate(edges):
        around.setdefault(one, []).append((other, index))
        around.setdefault(other, []).append((one, index))
    seen: dict[str, int] = {}
    low: dict[str, int] = {}
    found: set[int] = set()
    for root in around:
        if root in seen:
            continue
        seen[root] = low[root] = len(seen)
        path = [(root, -1, iter(around[root]))]
        while path:
            node, came, following = path[-1]
            for other, index in following:
                if index == came:
                    continue
                if other in seen:
                    low[node] = min(low[node], seen[other])
                    continue
                seen[other] = low[other] = len(seen)
                path.append((other, index, iter(around[other])))
                break
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    low[above] = min(low[above], low[node])
                    if low[node] > seen[above]:
                        found.add(came)
    return found
