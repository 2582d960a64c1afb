"""The HTTP door: routes, credentials, limits. Whatever a stranger on the network may send is judged here."""
