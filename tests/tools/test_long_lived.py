"""Which commands belong in the background."""

import pytest

from hermes.tools.long_lived import why_background


@pytest.mark.parametrize(
    "command",
    [
        "npm run dev",
        "cd app && yarn start",
        "vite --port 3000",
        "python -m http.server 8000",
        "python manage.py runserver",
        "flask --app x run",
        "uvicorn main:app",
        "tail -f log",
        "docker compose up",
        "sudo docker-compose up web",
        "nohup ./server",
        "setsid ./server",
        "./server &",
        "bash -c 'npm run dev'",
    ],
)
def test_refused_in_the_foreground(command: str) -> None:
    assert "background=true" in (why_background(command) or "")


@pytest.mark.parametrize(
    "command",
    [
        "npm run build",
        "npm test",
        "npm install",
        "timeout 5 npm run dev",
        "vite --version",
        "tail -n 5 log",
        "docker compose up -d",
        "echo npm run dev",
        "grep -r 'npm run dev' .",
        "npm run dev & sleep 3; curl localhost:3000; kill %1",
        "a && b &",
        "python -m pytest",
        "python script.py",
        "make start-docs",
    ],
)
def test_allowed_in_the_foreground(command: str) -> None:
    assert why_background(command) is None
