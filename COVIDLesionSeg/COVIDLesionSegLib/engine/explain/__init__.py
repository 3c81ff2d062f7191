"""What a network sees on the way to its answer: feature maps block by block, attention maps."""
