"""Indexes: they nominate candidates and know nothing that the truth does not. Each can be rebuilt at will."""
