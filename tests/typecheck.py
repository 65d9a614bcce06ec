"""The checker behind the types in the tests: beartype, with an int accepted where a float is meant (PEP 484).

It looks into the rooms that compute with tensors, whose shapes no other tool knows; elsewhere mypy is enough, and a
check at each call cost a tenth of the tests' time.
"""

from beartype import BeartypeConf, beartype

checker = beartype(conf=BeartypeConf(is_pep484_tower=True))
