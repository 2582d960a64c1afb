"""The routes, a file a subject. Each says what it needs, calls one public name, and answers with the library's types."""
