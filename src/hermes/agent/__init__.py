"""The loop: build the request, stream the model, run the tools, again until there is an answer."""
