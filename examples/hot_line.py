"""Which of these lines is slow, and why? Guess first, then ask:

    lineprof --cli examples/hot_line.py

Most people point at the 200,000 random numbers. The line that hurts is the one that looks like plain Python: `in`
compares with a million numbers, one after the other, in C inside the interpreter. So the table shows it as native,
and the cure is a set, not a compiler.
"""

import random

try:
    import numpy
except ImportError:  # the same amount of native work, without numpy
    numpy = None

ROUNDS = 300
long_list = list(range(1_000_000))


def random_numbers():
    if numpy:
        return numpy.random.rand(2000, 100)  # native: compiled code fills an array
    return random.getrandbits(32 * 2000 * 100)  # native too: one long call


def is_known(x):
    return x in long_list  # looks like Python, runs in C: native


def sum_of_squares(n):
    total = 0
    for i in range(n):
        total += i * i  # python: bytecode, step by step
    return total


def read_noise(device):
    return device.read(500_000)  # system: the kernel makes the bytes


def main():
    found = 0
    with open("/dev/urandom", "rb", buffering=0) as device:
        for _ in range(ROUNDS):
            random_numbers()
            found += is_known(-1)
            sum_of_squares(60_000)
            read_noise(device)
    print(f"{ROUNDS} rounds, {found} found")


if __name__ == "__main__":
    main()
