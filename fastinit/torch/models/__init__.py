"""The tensors and rules of whole models: what `materialize` is made of."""
