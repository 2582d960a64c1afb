"""What the mind can do, one faculty a module, which knows protocols and domain, no adapter and no other faculty."""
