"""A torch DataLoader whose workers fill: forked, spawned and by a server, after torch and fastinit used their threads."""

import multiprocessing

import pytest

from tests.processes.scripts import digest, environment, python

pytest.importorskip("torch", reason="torch is not installed")

SCRIPT = """
import hashlib, sys
import numpy as np
import torch
import fastinit as fi

class Fills(torch.utils.data.Dataset):
    def __init__(self):
        self.rng = fi.default_rng(1)

    def __len__(self):
        return 12

    def __getitem__(self, i):
        if i == 5:
            torch.ones(300, 300) @ torch.ones(300, 300)
        return torch.from_numpy(self.rng.child(str(i)).normal(size=1 << 16))

def main(method, used, workers):
    if used == "used":
        torch.ones(500, 500) @ torch.ones(500, 500)
        fi.default_rng(0).normal(size=1 << 17)
    loader = torch.utils.data.DataLoader(
        Fills(), batch_size=3, num_workers=workers, multiprocessing_context=method, persistent_workers=True
    )
    for _ in range(2):
        found = torch.cat([batch for batch in loader])
        expected = np.stack([fi.default_rng(1).child(str(i)).normal(size=1 << 16) for i in range(12)])
        assert found.numpy().tobytes() == expected.tobytes()
    print(hashlib.sha256(fi.default_rng(1).normal(size=1 << 17).tobytes()).hexdigest())

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], 2)
"""


CASES = [(method, "used") for method in multiprocessing.get_all_start_methods()] + [("fork", "unused")]


@pytest.mark.parametrize(("method", "used"), CASES)
def test_workers_fill(tmp_path, method, used):
    script = tmp_path / "loader.py"
    script.write_text(SCRIPT)
    # On a busy machine one run in thirty ends with Python's tracker looking for a semaphore (Numba has one in each worker) that
    # was unlinked, but not yet reported so when its process ended. None is left.
    printed = python(script, method, used, env=environment("omp"), allowed="resource_tracker")
    assert printed.split() == [digest()]
