"""A loop whose body has shares of 92, 6 and 2, all in operators: no call, no jump between the lines.

`-1 in` a list of n zeros looks at every one. (The same Python statement 46, 3 and 1 times would be
no truth: what it costs depends on its neighbours, by up to a fifth.)
"""
from truth import rounds, tell

heavy, six, two = [0] * 46_000, [0] * 3_000, [0] * 1_000


def loop(n):
    for _ in range(n):
        -1 in heavy  # L:heavy
        -1 in six  # L:six
        -1 in two  # L:two


for _ in rounds():
    loop(5)

tell({"heavy": 46, "six": 3, "two": 1})
