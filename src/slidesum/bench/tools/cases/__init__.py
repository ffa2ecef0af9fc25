"""The cases, in the order of the table."""

from slidesum.bench.tools.case import Case
from slidesum.bench.tools.cases import attention, convolutions, products, written

CASES: dict[str, Case] = {case.name: case for case in (*convolutions.CASES, *written.CASES, *products.CASES, *attention.CASES)}
