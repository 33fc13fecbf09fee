"""The HTTP side of a process: a Flask application and the gunicorn that serves it. Knows neither the manager nor Events."""
