"""torch's own values on the CPU, bit for bit: its generator, mt19937, and what it makes of the words."""
