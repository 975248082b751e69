"""Without torch, what documents or imports it is not collected."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("torch") else ["fastinit/torch", "docs/torch.md"]
