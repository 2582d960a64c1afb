"""The models' wing: what turns texts into vectors and messages into replies.

One adapter per file, each behind a protocol of `dmha.protocols`; nothing is imported here, so that choosing one
embedder never loads the libraries of another.
"""
