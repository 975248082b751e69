"""The initialiser that draws from any law."""

from __future__ import annotations

from typing import Any, Unpack

from fastinit.initializers.keywords import Options, Shape, initializer, read
from fastinit.laws import Distribution, parse


@initializer()
def draw(shape: Shape, *, law: Distribution | str, **options: Unpack[Options]) -> Any:
    """Draw from any law, as `Generator.draw` does.

    Parameters
    ----------
    law : fastinit.laws.Distribution or str
        The law with its arguments, or its text: "laplace(scale=0.1)", or "module:name(scale=0.1)" for one of your own. Some
        laws have other dtypes than those below: their pages say which, and which one is the default.

    Examples
    --------
    >>> import fastinit as fi
    >>> w = fi.initializers.draw((64, 64), law=fi.laws.laplace(scale=0.1), rng=0)
    >>> bool((w == fi.initializers.draw((64, 64), law="laplace(scale=0.1)", rng=0)).all())
    True
    """
    distribution = parse(law)
    request = read(shape, options, distribution.real)
    return request.draw(request.rng.draw, distribution)
