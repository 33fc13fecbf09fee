"""Go programs, built from the modules in ci/tools and cached by the hash of what they are made of."""
