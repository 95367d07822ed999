"""When contributions become a version, and who may contribute: a mode object for each setting."""
