"""What `make demo` does, and how it looks into a cluster; the tests on the cluster look in the same way."""
