"""Native lines of numpy: a matrix product, and many short calls of about 20 us each."""
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # helpers would compute on no line of the program's
import numpy as np

from truth import now, rounds, tell


def product():
    A @ A  # L:matmul


def short_calls(n):
    for _ in range(n):
        np.add(X, Y, out=Z)  # L:add


def length_for(us):
    """How long the arrays are whose sum takes so long here."""
    n = 1000
    while True:
        x, z = np.ones(n), np.empty(n)
        begin = now()
        for _ in range(100):
            np.add(x, x, out=z)
        if now() - begin >= us * 100_000:
            return n
        n += n // 4


A = np.random.default_rng(1).random((300, 300))
N = length_for(20)
X, Y, Z = np.ones(N), np.ones(N), np.empty(N)
for _ in rounds(0.5):
    product()
for _ in rounds(0.5):
    short_calls(200)
tell(kinds={"matmul": "native", "add": "native"})
