"""The door of the terminal: commands over the public names, and what they look like. No memory is made of it."""
