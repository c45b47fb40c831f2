"""The three protocols that language models speak over HTTP, each one function: `stream`."""
