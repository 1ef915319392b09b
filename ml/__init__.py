"""The models: features, detectors, training, registry."""
