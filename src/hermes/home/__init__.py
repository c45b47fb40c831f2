"""Where things are and what is configured: profiles, paths, config.yaml, .env, secrets, locks."""
