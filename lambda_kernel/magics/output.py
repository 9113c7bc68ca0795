"""%%output: the whole output of a cell into a local file."""

from .base import Call, Magic, wrong


def run(call: Call) -> str:
    """Its file's name; the kernel writes it, byte for byte."""
    if len(call.words) != 1:
        raise wrong(MAGIC)
    return call.words[0]


MAGIC = Magic("output", "FILE", "write all of the cell's stdout to a local file instead", run, cell=True)
