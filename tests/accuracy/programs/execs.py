"""3,000 sources, each with a file, a function and a hot line of its own, known from its number."""
import os

from spell import COUNT, run
from truth import tell

here = os.path.dirname(os.path.abspath(__file__))
tell(spelled={
    "%04d" % number: run(number, os.path.join(here, "exec_%04d.py" % number), "f_%04d" % number, number * 7 % 40, 40)
    for number in range(COUNT)
})
