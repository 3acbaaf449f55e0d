"""Native operations inside the interpreter of 10 to 400 us, on alternating lines."""
from truth import now, rounds, tell


def cost(n):
    """The middle of many: what `-1 in` a list of n takes here, in ns."""
    items, seen = [0] * n, []
    for _ in range(201):
        begin = now()
        -1 in items
        seen.append(now() - begin)
    return sorted(seen)[100]


def lists_for(lengths):
    ns_an_item = min(cost(20_000) for _ in range(10)) / 20_000
    return [[0] * round(us * 1000 / ns_an_item) for us in lengths]


def curve(us10, us50, us100, us200, us400):
    for _ in range(10):
        -1 in us10  # L:us10
        -1 in us50  # L:us50
        -1 in us100  # L:us100
        -1 in us200  # L:us200
        -1 in us400  # L:us400


LENGTHS = 10, 50, 100, 200, 400
lists = lists_for(LENGTHS)
for _ in rounds():
    curve(*lists)
tell(curve={"us%d" % us: cost(len(items)) / 1000 for us, items in zip(LENGTHS, lists)})
