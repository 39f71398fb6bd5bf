"""Which lines of a month's tables may not be told, so that nobody learns of four patients or fewer.

A table tells a month by service (rows) and by the values of one dimension (columns). Every report
is put together from three kinds of sums: a cell that is shown, the whole of a row that is shown,
and the whole of a column that is published. So what is hidden here can be worked out from no
report, whatever period or services it is about, however many of them somebody lays side by side:

1. a cell, or a column's whole, about fewer than `HIDDEN_BELOW` patients is hidden (primary).
   Patients are those whose outcome is known: ten who are still to come do not hide the one who
   came. Where none is known yet, nothing but who is expected is told, and those are counted;
2. what is hidden forms a graph: rows, columns and the whole are its nodes, a hidden cell joins
   its row and its column, a column's hidden whole joins the column and the whole. A line follows
   from the sums exactly if it is the only way between two parts of the graph (a bridge). And
   where parts hang together at one node only, each part's lines at it add up to a sum that
   follows: they are about `HIDDEN_BELOW` patients or more together, or too few;
3. what is too few is put on a circle with the cheapest other lines, cells or wholes, patient by
   patient, until nothing is (secondary): a small service hides beside another small one rather
   than the hospital's whole.

Where one dimension is finer than another (texts and the channel they leave by), both tables are
one graph: a coarse cell joins its row and a node of its own, from which its fine cells leave.

A service that is itself too small in a month is hidden as a row: its cells join those of others
too small, and of the smallest one that is not, until that makes `HIDDEN_BELOW` patients.

Primary and secondary suppression, with the audit of what the marginals still give away: Hundepool
et al., Statistical Disclosure Control (2012), ch. 4; that bridges of the graph are what follows:
D. Gusfield, A graph theoretic approach to statistical data security, SIAM J. Comput. 17 (1988).
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from reminders.domain.report import HIDDEN_BELOW

Row = str
Column = Hashable
Key = tuple[Row, Column]
Node = tuple[Hashable, ...]
WHOLE: Row = "*"  # in the place of a service: all of them
ROOT: Node = ("root",)  # where the columns' wholes come together
SMALL: Node = ("small",)  # the rows of all services too small to be one
UNHELPFUL = 1_000  # times dearer: lines without a known outcome, beside known ones


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


def together(groups: Iterable[Group]) -> Group:
    """All of them as one."""
    every = list(groups)
    known = [group for group in every if group.patients]
    found = known or every
    size = sum(group.size for group in found)
    few = frozenset[int]()
    if not enough(found):
        few = few.union(*(group.few for group in found))
        size = len(few)
    return Group(size, few) if known else Group(0, few, waiting=size)


def hidden_rows(services: Mapping[Row, Group], kept: Collection[Row] = ()) -> frozenset[Row]:
    """Services that are no line of their own in this month; `kept`: nor were before."""
    hidden = [name for name, group in services.items() if group.small or name in kept]
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


# --- a table, or two of which one is finer -------------------------------------------------------


def hide(
    cells: Mapping[Key, Group], rows_hidden: Collection[Row], same: Collection[Key] = ()
) -> Hiding:
    """Of a table without its empty cells. `same`: lines (those of WHOLE: of columns) of the very
    appointments that another table hides."""
    net = _Net()
    names = sorted({column for _, column in cells}, key=str)
    for key in sorted(cells, key=str):
        net.add(_row(key[0], rows_hidden), ("column", key[1]), cells[key], ("cell", key))
    for name, group in _wholes(cells).items():
        net.add(("column", name), ROOT, group, ("whole", name))
    out = {("cell", key) for key in cells if key[0] in rows_hidden}
    net.close(out, _lines(same, "cell", "whole"))
    return _read(net, "cell", "whole", names, cells)


def hide_nested(
    fine: Mapping[Key, Group],
    coarse: Mapping[Key, Group],
    within: Mapping[Column, Column],
    rows_hidden: Collection[Row],
    same_fine: Collection[Key] = (),
    same_coarse: Collection[Key] = (),
) -> tuple[Hiding, Hiding]:
    """Of two tables of the same appointments, in which each value of the finer one is `within`
    one of the other; the rest as in `hide`."""
    net = _Net()
    for row, column in sorted(coarse, key=str):
        group = coarse[row, column]
        net.add(_row(row, rows_hidden), ("of", row, column), group, ("coarse", (row, column)))
    for row, column in sorted(fine, key=str):
        group = fine[row, column]
        net.add(("of", row, within[column]), ("column", column), group, ("fine", (row, column)))
    for name, group in _wholes(fine).items():
        net.add(("column", name), ("wide", within[name]), group, ("fine whole", name))
    for name, group in _wholes(coarse).items():
        net.add(("wide", name), ROOT, group, ("coarse whole", name))
    out = {("fine", key) for key in fine if key[0] in rows_hidden}
    out |= {("coarse", key) for key in coarse if key[0] in rows_hidden}
    same = _lines(same_fine, "fine", "fine whole") | _lines(same_coarse, "coarse", "coarse whole")
    net.close(out, same)
    return (
        _read(net, "fine", "fine whole", {name for _, name in fine}, fine),
        _read(net, "coarse", "coarse whole", {name for _, name in coarse}, coarse),
    )


def _lines(keys: Collection[Key], cell: str, whole: str) -> set["Line"]:
    return {(whole, key[1]) if key[0] == WHOLE else (cell, key) for key in keys}


def _row(row: Row, rows_hidden: Collection[Row]) -> Node:
    return SMALL if row in rows_hidden else ("row", row)


def _wholes(cells: Mapping[Key, Group]) -> dict[Column, Group]:
    found: dict[Column, list[Group]] = defaultdict(list)
    for key in sorted(cells, key=str):
        found[key[1]].append(cells[key])
    return {name: together(groups) for name, groups in found.items()}


def _read(
    net: "_Net", cell: str, whole: str, names: Iterable[Column], cells: Iterable[Key]
) -> Hiding:
    hidden = net.hidden()
    return Hiding(
        frozenset(key for key in cells if (cell, key) in hidden),
        frozenset(name for name in names if (whole, name) in hidden),
    )


# --- the graph -----------------------------------------------------------------------------------

Line = tuple[str, Hashable]  # what an edge is: a cell or a column's whole


class _Net:
    """Lines as edges from the rows by the columns to the root. What enters a node leaves it."""

    def __init__(self) -> None:
        self._ends: list[tuple[Node, Node]] = []
        self._groups: list[Group] = []
        self._lines: list[Line] = []
        self._around: dict[Node, list[int]] = defaultdict(list)
        self._out: set[int] = set()
        self._same: set[int] = set()

    def add(self, one: Node, other: Node, group: Group, line: Line) -> None:
        edge = len(self._ends)
        self._ends.append((one, other))
        self._groups.append(group)
        self._lines.append(line)
        self._around[one].append(edge)
        self._around[other].append(edge)

    def hidden(self) -> frozenset[Line]:
        return frozenset(self._lines[edge] for edge in self._out)

    def close(self, out: Collection[Line], same: Collection[Line]) -> None:
        """Hide these and what is small, and as much as keeps what is small, or one of `same`,
        from following."""
        self._same = {edge for edge, line in enumerate(self._lines) if line in same}
        self._out = {
            edge
            for edge, (line, group) in enumerate(zip(self._lines, self._groups, strict=True))
            if group.small or line in out or line in same
        }
        while True:
            touched: set[Node] = set()
            for part in _parts(self._ends, self._out):
                at = self._around_in(part)
                if touched.isdisjoint(at):
                    touched |= self._mend(at)
            if not touched:
                return

    def _around_in(self, part: Collection[int]) -> dict[Node, list[int]]:
        found: dict[Node, list[int]] = {}
        for edge in sorted(part):
            for node in self._ends[edge]:
                found.setdefault(node, []).append(edge)
        return found

    def _mend(self, at: Mapping[Node, Sequence[int]]) -> set[Node]:
        """Where a part of the graph tells of too few at a node, let another way lead back to it.
        The nodes of that way."""
        for node, edges in at.items():
            if not self._tells(node, edges, at):
                continue
            way = self._way(node, edges, at) or self._rest(node)
            if way:
                self._out |= way
                return {end for edge in way for end in self._ends[edge]} | set(at)
        return set()

    def _tells(self, node: Node, edges: Sequence[int], at: Mapping[Node, Sequence[int]]) -> bool:
        """Do these, which enter a node or leave it, add up to too few that follow?"""
        if len(edges) == 1 and edges[0] in self._same:
            return True
        if len({self._ends[edge][0] == node for edge in edges}) > 1:
            return False  # what enters and what leaves: only their difference follows
        if node == ROOT:
            edges = [cell for edge in edges for cell in self._cells(edge, at)]
        return not enough(self._groups[edge] for edge in edges)

    def _cells(self, edge: int, at: Mapping[Node, Sequence[int]]) -> list[int]:
        """Of a whole, what enters it in this part of the graph."""
        below = self._ends[edge][0]
        entering = [one for one in at[below] if self._ends[one][1] == below]
        if self._lines[edge][0].endswith("whole") and entering:
            return [cell for one in entering for cell in self._cells(one, at)]
        return [edge]

    def _way(self, start: Node, without: Collection[int], to: Collection[Node]) -> set[int]:
        """The cheapest lines by which one comes from a node to others."""
        known = any(self._groups[edge].patients for edge in without)
        best: dict[Node, int] = {start: 0}
        came: dict[Node, tuple[Node, int]] = {}
        heap: list[tuple[int, int, Node]] = [(0, 0, start)]
        number = 0
        while heap:
            far, _, node = heappop(heap)
            if far > best[node]:
                continue
            if node != start and node in to:
                return self._back(came, node)
            for edge in self._around[node]:
                if node == start and edge in without:
                    continue
                one, other = self._ends[edge]
                there = other if node == one else one
                reached = far + (0 if edge in self._out else self._price(edge, known=known))
                if reached < best.get(there, reached + 1):
                    best[there], came[there] = reached, (node, edge)
                    number += 1
                    heappush(heap, (reached, number, there))
        return set()

    def _price(self, edge: int, *, known: bool) -> int:
        helps = not known or self._groups[edge].patients
        return (1 + self._groups[edge].size) * (1 if helps else UNHELPFUL)

    def _back(self, came: Mapping[Node, tuple[Node, int]], node: Node) -> set[int]:
        way = set()
        while node in came:
            node, edge = came[node]
            way.add(edge)
        return way - self._out

    def _rest(self, node: Node) -> set[int]:
        """No other way leads there: all of the node's lines."""
        return set(self._around[node]) - self._out


def _parts(ends: Sequence[tuple[Node, Node]], edges: Collection[int]) -> list[list[int]]:
    """Edges of a multigraph by the circles they share; a bridge is a part of its own (Hopcroft
    and Tarjan 1973)."""
    around: dict[Node, list[tuple[Node, int]]] = {}
    for edge in sorted(edges):
        one, other = ends[edge]
        around.setdefault(one, []).append((other, edge))
        around.setdefault(other, []).append((one, edge))
    seen: dict[Node, int] = {}
    low: dict[Node, int] = {}
    found: list[list[int]] = []
    for root in around:
        if root in seen:
            continue
        seen[root] = low[root] = len(seen)
        stack: list[int] = []
        path = [(root, -1, iter(around[root]))]
        while path:
            node, came, following = path[-1]
            for other, edge in following:
                if edge == came:
                    continue
                if other in seen:
                    if seen[other] < seen[node]:
                        stack.append(edge)
                        low[node] = min(low[node], seen[other])
                    continue
                seen[other] = low[other] = len(seen)
                stack.append(edge)
                path.append((other, edge, iter(around[other])))
                break
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    low[above] = min(low[above], low[node])
                    if low[node] >= seen[above]:
                        at = len(stack) - 1 - stack[::-1].index(came)
                        found.append(stack[at:])
                        del stack[at:]
    return found
