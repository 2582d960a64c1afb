"""The routes, a file a subject: each says what it needs, calls a public name, and answers with the library's types."""
