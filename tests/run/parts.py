# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what proves the project. Commands run at the repository root with .venv/bin first in PATH."""

from __future__ import annotations

from dataclasses import dataclass

PLUGINS = "ansible_collections.cloudops.hypervisor.plugins"
NODE_LAB = " ".join(f"tests/lab/test_{name}.py" for name in ("observer", "boot_check", "faults", "roles"))
XEN_LAB = " ".join(f"tests/lab/test_{name}.py" for name in ("xen_lab", "vms", "vm_moves", "vm_care"))


@dataclass(frozen=True)
class Part:
    """One provable claim: it holds if every command exits 0 within ``minutes``."""

    name: str
    claim: str
    commands: tuple[str, ...]
    minutes: int
    alone: bool = False
    """Runs when the others have ended: a part that needs the whole machine."""
    root: bool = False
    packages: tuple[str, ...] = ()
    """Files that list the Debian packages it needs."""


TEST = (
    Part(
        name="lint",
        claim="One style: ruff, yamllint, ansible-lint's production profile",
        commands=("ruff check .", "ruff format --check .", "ansible-lint", "antsibull-changelog lint"),
        minutes=5,
    ),
    Part(
        name="types",
        claim="module_utils is strictly typed for Python 3.8, the rest for its own",
        commands=(
            f"mypy -p {PLUGINS}.module_utils",
            f"mypy --python-version 3.11 -p {PLUGINS}",
            "mypy --python-version 3.11 tests/run tests/bare",
        ),
        minutes=5,
    ),
    Part(
        name="layers",
        claim="Imports go one way",
        commands=("env PYTHONPATH=.venv/collections lint-imports --no-cache",),
        minutes=2,
    ),
    Part(
        name="units",
        claim="Parsers, judges and decisions on recorded output, 95% of branches",
        # What a fuzzer happens to reach today is not coverage.
        commands=(
            "coverage run -m pytest -m 'not fuzz and not playbook'",
            "coverage report",
            "python -m pytest -m fuzz",
        ),
        minutes=25,
        packages=("tests/packages.txt",),
    ),
    Part(
        name="roles",
        claim="Roles as ansible-playbook runs them, on machines without a hypervisor",
        commands=("python -m pytest tests/unit/roles -m playbook",),
        minutes=20,
        packages=("tests/packages.txt",),
    ),
    Part(
        name="simulator",
        claim="No fault schedule of 500 breaks HA recovery; without each rule one does",
        commands=("python -m pytest tests/simulator -rP",),
        minutes=15,
    ),
    Part(
        name="sanity",
        claim="ansible-test sanity, whole, nothing ignored",
        commands=("python tests/run/sanity.py",),
        minutes=15,
        packages=("tests/packages.txt",),
    ),
    Part(
        name="docs",
        claim="The documentation is complete and builds without a warning",
        commands=("python tests/run/docs.py",),
        minutes=5,
    ),
    Part(
        name="package",
        claim="Built, installed and run where the checkout is not seen",
        commands=("python tests/run/package.py",),
        minutes=5,
    ),
    Part(
        name="bare",
        claim="`make check` on a machine with git, make and Python alone, as root and as an ordinary user",
        commands=("python tests/bare",),
        minutes=15,
        root=True,
        packages=("tests/bare/packages.txt",),
    ),
    Part(
        name="lab",
        claim="Faults on real systems are found, and gone after the repair",
        commands=(f"python -m pytest {NODE_LAB} -m 'not soak'",),
        minutes=30,
        root=True,
        packages=("tests/lab/packages.txt",),
    ),
    Part(
        name="actions",
        claim="Actions as ansible-playbook runs them, on a real PostgreSQL and a simulated BMC",
        commands=("python -m pytest tests/unit --ignore tests/unit/roles -m playbook",),
        minutes=20,
        packages=("tests/packages.txt",),
    ),
    Part(
        name="xen",
        claim="What is done to one VM, on two real Xen nodes: never two copies",
        commands=(f"python -m pytest {XEN_LAB} -m 'not soak'",),
        minutes=20,
        # two emulated nodes on two processors do not get through a reading beside anything else
        alone=True,
        root=True,
        packages=("tests/lab/packages.txt",),
    ),
    Part(
        name="recovery",
        claim="A node is lost: its guests run on the other, each once, though the controller is killed",
        commands=("python -m pytest tests/lab/test_ha.py -m 'not soak'",),
        minutes=20,
        alone=True,
        root=True,
        packages=("tests/lab/packages.txt",),
    ),
)

# Each runs for an hour at most and goes on where its last run ended.
SOAK = (
    Part(
        name="parsers",
        claim="A million inputs a parser",
        # 50 000 inputs a round take a minute, and several on a busy machine.
        commands=(
            "env CLOUDOPS_FUZZ_EXAMPLES=50000 "
            "python tests/run/sweep.py parsers --rounds 20 tests/unit -m fuzz --timeout=1800",
        ),
        minutes=75,
    ),
    Part(
        name="schedules",
        claim="100 000 fault schedules do not break HA recovery",
        commands=(
            "env CLOUDOPS_SCHEDULES=5000 "
            "python tests/run/sweep.py schedules --rounds 20 tests/simulator -k nothing_breaks --timeout=1800",
        ),
        minutes=75,
    ),
    Part(
        name="faults",
        claim="Every fault alone",
        commands=(
            "python tests/run/sweep.py faults tests/lab/test_faults.py tests/lab/test_roles.py -m soak",
            "python tests/run/sweep.py boot_check tests/lab/test_boot_check.py",
        ),
        minutes=75,
        root=True,
        packages=("tests/lab/packages.txt",),
    ),
    Part(
        name="vms",
        claim="Leases, jobs and guests on two real nodes: every case",
        commands=(f"python tests/run/sweep.py vms tests/lab/test_node_jobs.py {XEN_LAB}",),
        minutes=75,
        root=True,
        packages=("tests/lab/packages.txt",),
    ),
    Part(
        name="ha",
        claim="Recovery on two real nodes: every scenario, and every record at which the controller is killed",
        commands=("python tests/run/sweep.py ha tests/lab/test_ha.py",),
        minutes=75,
        root=True,
        packages=("tests/lab/packages.txt",),
    ),
    Part(
        name="molecule",
        claim="A node that came up half is brought into service, and a second run changes nothing",
        commands=("molecule test --scenario-name node_boot_check",),
        minutes=30,
        root=True,
        packages=("tests/lab/packages.txt",),
    ),
    Part(
        name="importer",
        claim="galaxy-importer takes the built collection",
        commands=("python tests/run/importer.py",),
        minutes=30,
    ),
)

# Not a proof: its figures are to be read. Named only to have its packages installed.
BENCH = (
    Part(
        name="bench",
        claim="The speed, as ratios within one run",
        commands=(),
        minutes=30,
        packages=("tests/benchmarks/packages.txt",),
    ),
)
