"""A headless Service and EndpointSlice for every annotated pod."""
