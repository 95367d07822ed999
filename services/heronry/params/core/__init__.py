"""Models, rounds, optimisers and what makes them durable: synchronous, without clock or network."""
