"""Describe the Python that runs this, as JSON: what an image needs to run the same Python."""

import ctypes
import importlib
import json
import os
import sys
import sysconfig

# Libraries that packages from PyPI may expect on every Linux (PEP 599), and those by which an older C library resolves names.
EXPECTED = ["libstdc++.so.6", "libgcc_s.so.1", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1",
            "libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2"]

standard = sysconfig.get_path("platstdlib")
compiled = os.path.join(standard, "lib-dynload")
broken = []  # compiled modules whose libraries this machine lacks, such as those of a desktop
for file in sorted(os.listdir(compiled)) if os.path.isdir(compiled) else []:
    try:
        importlib.import_module(file.partition(".")[0])
    except Exception:
        broken.append(file)
for name in EXPECTED:
    try:
        ctypes.CDLL(name)
    except OSError:
        pass  # a package that needs it names it later
try:
    importlib.import_module("pip")
    pip = True
except ImportError:
    pip = False
with open("/proc/self/maps") as maps:
    loaded = {line.split(maxsplit=5)[5].rstrip("\n") for line in maps if "/" in line}
print(json.dumps({
    "Version": "%d.%d" % sys.version_info[:2],
    "Build": sys.version,
    "Executable": os.path.realpath(sys.executable),
    "Folder": sys.platlibdir,  # lib or lib64
    "Standard": standard,
    "Broken": broken,
    "Libraries": sorted(file for file in loaded if ".so" in os.path.basename(file) and not file.startswith(standard + os.sep)),
    "Pip": pip,
}))
