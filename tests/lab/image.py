# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image every machine of the labs boots: Debian with the real tools of a node, of the SAN and of a Xen dom0.

It holds packages only. What makes a machine n1 or the SAN is the overlay (guest/), which travels in the initrd and
is laid over the root file system at the first boot, so that a changed configuration needs no new image.
"""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import tempfile
from pathlib import Path

from host import HERE, cache_directory, digest, run, say

SUITE = "bookworm"
ROOT_SIZE = "4G"
KEPT_IMAGES = 2
INITRD_MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
GUEST_MODULES = ("xen-blkfront", "xen-netfront")
XZ_MAGIC = b"\xfd7zXZ\0"
# Nothing in the lab has such devices, and files nobody reads cost build time.
LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/lib/modules/*/kernel/sound/*",
    "/lib/modules/*/kernel/drivers/gpu/*",
    "/lib/modules/*/kernel/drivers/infiniband/*",
    "/lib/modules/*/kernel/drivers/media/*",
    "/lib/modules/*/kernel/drivers/net/wireless/*",
    "/lib/modules/*/kernel/drivers/staging/*",
)


def packages() -> list[str]:
    return (HERE / "image-packages.txt").read_text().split()


def image_directory() -> Path:
    sources = [HERE / name for name in ("image.py", "image-packages.txt", "guest/domu")]
    key = digest(SUITE, ROOT_SIZE, *sources)
    return cache_directory() / "images" / key


def ensure_image() -> Path:
    """The directory of the image, built if its definition has changed; other images are pruned."""
    image = image_directory()
    if not (image / "root.raw").exists():
        image.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix="building-", dir=image.parent))
        try:
            _build(building)
            building.rename(image)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    os.utime(image)
    by_use = sorted(image.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for unused in by_use[KEPT_IMAGES:]:
        shutil.rmtree(unused, ignore_errors=True)
    return image


def apt_sources() -> list[str]:
    """The host's own sources when it runs the image's Debian, so that its mirror is used; else mmdebstrap's default."""
    chosen = os.environ.get("CLOUDOPS_LAB_APT_SOURCES")
    if chosen:
        return chosen.split()
    etc = Path("/etc/apt")
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    return [str(file) for file in files if file.is_file() and _is_of_suite(file.read_text())]


def _is_of_suite(text: str) -> bool:
    """Debian's own archive of the suite, in either format; third-party sources have no such suite name."""
    lines = [line.split("#")[0].replace("[", " [").split() for line in text.splitlines()]
    return any(SUITE in line for line in lines if line and line[0] in ("deb", "Suites:"))


def _build(into: Path) -> None:
    say(f"image: {len(packages())} packages of Debian {SUITE}")
    root = into / "root"
    left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    run(
        "env",
        # The machines boot from an initrd of ours; Debian's would take half a minute to make.
        "INITRD=No",
        "mmdebstrap",
        "--quiet",
        "--variant=apt",
        "--components=main",
        "--dpkgopt=force-unsafe-io",
        *left_out,
        f"--include={','.join(packages())}",
        SUITE,
        root,
        *apt_sources(),
        timeout=900,
    )
    for sources in (root / "etc/apt/sources.list.d").glob("*"):
        sources.unlink()
    (root / "etc/apt/sources.list").write_text("")
    _login(root, into)
    _boot_files(root, into)
    _guest_files(root, into)
    say("image: root file system")
    run("truncate", "--size", ROOT_SIZE, into / "root.partial")
    run("mkfs.ext4", "-q", "-F", "-d", root, "-L", "root", "-O", "^metadata_csum", into / "root.partial")
    shutil.rmtree(root)
    (into / "root.partial").rename(into / "root.raw")


def _login(root: Path, into: Path) -> None:
    """One key opens root on every machine, also from one to the other (xl migrate); all share one host key."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", into / "id")
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(into / "id", ssh / "id_ed25519")
    shutil.copy(into / "id.pub", ssh / "authorized_keys")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    host_key = root / "etc/ssh/ssh_host_ed25519_key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", host_key)
    known = "* " + " ".join(host_key.with_suffix(".pub").read_text().split()[:2]) + "\n"
    (into / "known_hosts").write_text(known)
    (ssh / "known_hosts").write_text(known)
    run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", "orchard")


def _boot_files(root: Path, into: Path) -> None:
    kernel = _kernel(root)
    shutil.copy(kernel, into / "vmlinuz")
    # Xen and its guests take the plain ELF file.
    packed = kernel.read_bytes()
    (into / "vmlinux").write_bytes(lzma.LZMADecompressor().decompress(packed[packed.index(XZ_MAGIC) :]))
    (hypervisor,) = (root / "boot").glob("xen-*.gz")
    (into / "xen").write_bytes(gzip.decompress(hypervisor.read_bytes()))
    initrd = into / "initrd"
    (initrd / "bin").mkdir(parents=True)
    shutil.copy(root / "usr/bin/busybox", initrd / "bin/busybox")
    (initrd / "bin/sh").symlink_to("busybox")
    _copy_modules(root, initrd, INITRD_MODULES)


def _guest_files(root: Path, into: Path) -> None:
    """Kernel and initrd of the Xen nodes' guests: their blocks, their network, ssh, and guest/domu."""
    shutil.copy(into / "vmlinux", root / "boot/vmlinux-guest")
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "initrd"
        shutil.copytree(HERE / "guest/domu", tree)
        for directory in ("bin", "etc/dropbear", "root/.ssh"):
            (tree / directory).mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "usr/bin/busybox", tree / "bin/busybox")
        (tree / "bin/sh").symlink_to("busybox")
        _copy_modules(root, tree, GUEST_MODULES)
        _copy_program(root, tree, "/usr/sbin/dropbear")
        shutil.copy(into / "id.pub", tree / "root/.ssh/authorized_keys")
        said = run("chroot", root, "dropbearkey", "-t", "ed25519", "-f", "/guest-key")
        shutil.move(root / "guest-key", tree / "etc/dropbear/dropbear_ed25519_host_key")
        (public,) = (line for line in said.splitlines() if line.startswith("ssh-ed25519 "))
        for file in (into / "known_hosts", root / "root/.ssh/known_hosts"):
            with file.open("a") as known:
                known.write(f"* {' '.join(public.split()[:2])}\n")
        _pack(tree, root / "boot/initrd-guest")


def _kernel(root: Path) -> Path:
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    return kernel


def _copy_modules(root: Path, tree: Path, modules: tuple[str, ...]) -> None:
    """The modules with those they need, named in the order to load them in."""
    release = _kernel(root).name.removeprefix("vmlinuz-")
    wanted: list[str] = []
    for module in modules:
        for line in run("chroot", root, "modprobe", "-S", release, "--show-depends", module).splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in wanted:
                wanted.append(words[1])
    (tree / "modules").mkdir()
    for position, path in enumerate(wanted):
        shutil.copy(root / path.lstrip("/"), tree / "modules" / f"{position:02d}-{Path(path).name}")


def _copy_program(root: Path, tree: Path, program: str) -> None:
    """A program and its libraries, where they were."""
    words = run("chroot", root, "ldd", program).split()
    for path in [program, *(word for word in words if word.startswith("/"))]:
        target = tree / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path.lstrip("/"), target)


def pack_initrd(image: Path, into: Path, overlays: dict[str, list[Path]]) -> None:
    """Write an initrd: busybox, the disk's modules, our /init, and for each role its trees as one overlay."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "initrd"
        shutil.copytree(image / "initrd", tree, symlinks=True)
        shutil.copy(HERE / "guest/init", tree / "init")
        for role, trees in overlays.items():
            for overlay in trees:
                shutil.copytree(overlay, tree / "overlay" / role, dirs_exist_ok=True)
        for directory in ("dev", "proc", "sys", "root"):
            (tree / directory).mkdir()
        _plain_modes(tree)
        _pack(tree, into)


def _pack(tree: Path, into: Path) -> None:
    archive = tree.with_name("archive")
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*"))) + "\n"
    run("cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "-D", tree, "-F", archive, stdin=names)
    shutil.move(archive, into)


def _plain_modes(tree: Path) -> None:
    """The modes Debian gives, whatever the umask the checkout was made under."""
    for path in tree.rglob("*"):
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
