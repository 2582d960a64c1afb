"""Glossing: Japanese and Chinese put word by word into English, so that an English embedder can read them.

A word of a text is a `Word` (`english`): the ways to say it in English, likeliest first. `japanese` and `chinese` cut a
text into words; `jmdict` and `cedict` are the dictionaries; `glossed` is the embedder around it all. Needs the extra
`gloss`.
"""
