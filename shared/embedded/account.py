"""PostgreSQL refuses to run as root: who runs it then, and from where. Nothing of root's is opened to that user.

As root the server runs as the system user `sluice` (created once; `nobody` where users cannot be created). Its data lie
in the state directory if that user can reach it, else under /var/lib/sluice; programs it cannot reach are copied there.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from shared.embedded.process import Account

USER = "sluice"
FALLBACK_USER = "nobody"
SYSTEM_DIRECTORY = Path("/var/lib/sluice")
_PROGRAMS = ("bin/postgres", "bin/initdb", "bin/pg_ctl", "bin/psql")


def database_account() -> Account | None:
    """The user the database has to run as; None if it can run as we do."""
    if os.geteuid() != 0:
        return None
    entry = _entry(USER) or _created(USER) or pwd.getpwnam(FALLBACK_USER)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _created(name: str) -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    if useradd is None:
        return None
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    subprocess.run([*command, "--shell", "/usr/sbin/nologin", name], check=False, capture_output=True)  # noqa: S603 -- fixed words
    return _entry(name)


def cluster_directory(state: Path, account: Account | None) -> Path:
    """The folder of the database, made and owned by its user, closed to all others."""
    place = state / "postgres"
    if account and not reachable(_nearest(place), account):
        place = _system_folder("clusters") / hashlib.sha256(str(state).encode()).hexdigest()[:12]
    place.mkdir(parents=True, exist_ok=True, mode=0o755)
    if account:
        os.chown(place, account.uid, account.gid)
    place.chmod(0o700)
    return place


def programs(install: Path, account: Account | None) -> Path:
    """The folder with the server's programs, or a copy of it that its user can reach."""
    if account is None or all(reachable(install / program, account) for program in _PROGRAMS):
        return install
    version = hashlib.sha256(f"{install}{(install / 'bin/postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = _system_folder("programs") / version
    if not copy.exists():
        _copy_programs(install, copy)
    return copy


def _copy_programs(install: Path, copy: Path) -> None:
    unfinished = copy.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    for program in _PROGRAMS:
        target = unfinished / program
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(install / program, target)
    for folder in ("lib", "share"):
        shutil.copytree(install / folder, unfinished / folder, ignore=shutil.ignore_patterns("*.a"))
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755)
    unfinished.rename(copy)


def _system_folder(name: str) -> Path:
    """A folder of ours outside every home, open to the database's user whatever root's umask is."""
    folder = SYSTEM_DIRECTORY / name
    folder.mkdir(parents=True, exist_ok=True)
    SYSTEM_DIRECTORY.chmod(0o755)
    folder.chmod(0o755)
    return folder


def reachable(path: Path, account: Account) -> bool:
    """Whether the user may enter every folder above the path, and read and enter or execute the path itself."""
    if not path.exists():
        return False
    above = all(_allows(parent, account, stat.S_IXOTH) for parent in path.resolve().parents)
    return above and _allows(path, account, stat.S_IXOTH | stat.S_IROTH)


def _allows(path: Path, account: Account, bits: int) -> bool:
    """Judge by owner, group and others, as the kernel would for a user without other groups."""
    status = path.stat()
    if status.st_uid == account.uid:
        bits <<= 6
    elif status.st_gid == account.gid:
        bits <<= 3
    return status.st_mode & bits == bits


def _nearest(path: Path) -> Path:
    """The path, or the closest folder above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
