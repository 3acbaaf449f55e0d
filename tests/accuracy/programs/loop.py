"""A loop whose body has shares of 92, 6 and 2: the same statement 46, 3 and 1 times."""
from truth import rounds, tell

HEAVY, SIX, TWO = 46, 3, 1


def loop(n):
    y = 1.5
    for _ in range(n):
        x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y; x=y+y  # L:heavy
        x=y+y; x=y+y; x=y+y  # L:six
        x=y+y  # L:two
        x = y  # the jump back is this line's


for _ in rounds():
    loop(500)

tell({"heavy": HEAVY, "six": SIX, "two": TWO})
