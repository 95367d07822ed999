"""Tables, selectors, rate limiters and step storage; synchronous, without network, clock or global randomness."""
