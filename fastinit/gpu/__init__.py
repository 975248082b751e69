"""The same rows on NVIDIA GPUs: LLVM text, PTX, the driver, launches."""
