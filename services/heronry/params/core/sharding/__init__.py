"""A model cut over several services: what a shard holds back until the first shard has closed a round."""
