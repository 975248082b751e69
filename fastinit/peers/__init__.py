"""The samplers of other libraries: `fastinit bench` times them, `fastinit check` tests them."""
