"""Container images without a registry: archives of our own making, and our own image built from the Dockerfile."""
