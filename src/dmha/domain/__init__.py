"""The pure part: text, ranking, forgetting, feelings, logic, prompts. No I/O, no clock, no globals that change."""
