"""The interactive chat: one conversation on a terminal, line by line, with its scrollback kept."""
