"""What the mind can do, one faculty a module. A faculty knows the protocols and the domain, no adapter and no other faculty."""
