"""The main job, end to end: specification, lock, environment, proof, training."""
