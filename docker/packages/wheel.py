#!/usr/bin/python3
"""Makes a wheel for PyPI: `pip install sexton` then puts the static binary into the environment's bin folder, with the
man page and the completions beside it, and compiles nothing.

    wheel.py FOLDER ARCHITECTURE TREE HOMEPAGE LICENCE...

TREE holds usr/bin and usr/share. A static binary needs no C library, so that one file has the tags of both: of the
oldest glibc and musl that a current pip still names. The same input makes the same bytes: SOURCE_DATE_EPOCH.
"""

import base64
import hashlib
import os
import pathlib
import sys
import time
import tomllib
import zipfile

folder, architecture, tree, homepage = sys.argv[1:5]
licences = [pathlib.Path(path) for path in sys.argv[5:]]
package = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]
stem = f"{package['name']}-{package['version']}"
tags = [f"py3-none-{system}_{architecture}" for system in ("manylinux2014", "manylinux_2_17", "musllinux_1_1")]

METADATA = f"""\
Metadata-Version: 2.1
Name: {package["name"]}
Version: {package["version"]}
Summary: {package["description"]}
Home-page: {homepage}
License: {package["license"]}
Keywords: {",".join(package["keywords"])}
Classifier: Environment :: Console
Classifier: Intended Audience :: System Administrators
Classifier: License :: OSI Approved :: MIT License
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Rust
Classifier: Topic :: System :: Boot :: Init
Requires-Python: >=3
Description-Content-Type: text/markdown

# sexton

{package["description"]}.

The package holds one static binary, and no Python. Nothing is compiled at installation.

```dockerfile
RUN pip install sexton
ENTRYPOINT ["sexton", "--"]
CMD ["python3", "-m", "app"]
```

`sexton --help` lists the options, `man sexton` has the details.
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: docker/packages/wheel.py\nRoot-Is-Purelib: false\n" + "".join(
    f"Tag: {tag}\n" for tag in tags
)

files = {f"{stem}.dist-info/METADATA": (METADATA.encode(), 0o644), f"{stem}.dist-info/WHEEL": (WHEEL.encode(), 0o644)}
for licence in licences:
    files[f"{stem}.dist-info/licenses/{licence.name}"] = (licence.read_bytes(), 0o644)
for part, place in (("usr/bin", "scripts"), ("usr/share", "data/share")):
    root = pathlib.Path(tree, part)
    for path in root.rglob("*"):
        if path.is_file() and path.name not in (licence.name for licence in licences):
            name = f"{stem}.data/{place}/{path.relative_to(root)}"
            files[name] = (path.read_bytes(), 0o755 if place == "scripts" else 0o644)


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


record = f"{stem}.dist-info/RECORD"
lines = [f"{name},sha256={digest(content)},{len(content)}\n" for name, (content, _) in sorted(files.items())]
files[record] = ("".join([*lines, f"{record},,\n"]).encode(), 0o644)

# The specification recommends that the metadata come last.
order = sorted(files, key=lambda name: (".dist-info/" in name, name))
platforms = ".".join(tag.removeprefix("py3-none-") for tag in tags)
when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
with zipfile.ZipFile(f"{folder}/{stem}-py3-none-{platforms}.whl", "w") as wheel:
    for name in order:
        content, mode = files[name]
        entry = zipfile.ZipInfo(name, when)
        entry.external_attr = (0o100000 | mode) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        wheel.writestr(entry, content, compresslevel=9)
