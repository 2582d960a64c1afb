"""Who may: users, their passwords and keys, and what a credential may do as it stands now.

Passwords are kept as Argon2id hashes; a key is 32 random bytes, of which the SHA-256 alone is kept. Nothing here knows
of networks: a door shows a credential and is told what it may.
"""

from dmha.access.accounts import OPERATOR, Access
from dmha.access.grants import OWN, RIGHTS, Grant
from dmha.access.keys import MOST_NAMED
from dmha.access.passwords import COST, LEAST_PASSWORD, MOST_PASSWORD, Cost, check_password, normalised

__all__ = [
    "COST",
    "LEAST_PASSWORD",
    "MOST_NAMED",
    "MOST_PASSWORD",
    "OPERATOR",
    "OWN",
    "RIGHTS",
    "Access",
    "Cost",
    "Grant",
    "check_password",
    "normalised",
]
