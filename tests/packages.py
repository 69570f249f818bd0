#!/usr/bin/python3
"""What can be said of a release's wheels, apk packages and image archives without the programs that install them: that
sums, names and modes inside are those of the formats, and that each has the binary that the release has beside it.

    packages.py FOLDER VERSION MACHINE      MACHINE as by `uname -m`
"""

import base64
import csv
import email
import gzip
import hashlib
import io
import json
import pathlib
import stat
import sys
import tarfile
import tomllib
import zipfile
import zlib

folder, version, machine = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
binary = (folder / f"sexton-{machine}").read_bytes()
DOCUMENTS = [
    "share/man/man1/sexton.1",
    "share/bash-completion/completions/sexton",
    "share/zsh/site-functions/_sexton",
    "share/fish/vendor_completions.d/sexton.fish",
]


def tar(content):
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        entries = archive.getmembers()
        assert [entry.name for entry in entries] == sorted(entry.name for entry in entries), "not sorted"
        assert len({entry.mtime for entry in entries}) == 1, "times differ"
        assert all((entry.uid, entry.gid) == (0, 0) for entry in entries), "owners"
        return {entry.name: (entry, entry.isfile() and archive.extractfile(entry).read()) for entry in entries}


def wheel(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        files = {entry.filename: (entry, archive.read(entry)) for entry in archive.infolist()}
    info = f"sexton-{version}.dist-info"
    metadata = email.message_from_bytes(files[f"{info}/METADATA"][1])
    assert (metadata["Name"], metadata["Version"]) == ("sexton", version), metadata.items()
    tags = email.message_from_bytes(files[f"{info}/WHEEL"][1])
    named = path.stem.split("-")[-1].split(".")
    assert tags.get_all("Tag") == [f"py3-none-{platform}" for platform in named], tags.items()
    assert any(tag.startswith("musllinux_") for tag in named) and any(tag.startswith("manylinux") for tag in named)
    record = {name: (sum, size) for name, sum, size in csv.reader(files[f"{info}/RECORD"][1].decode().splitlines())}
    assert record.keys() == files.keys() and record.pop(f"{info}/RECORD") == ("", "")
    for name, (sum, size) in record.items():
        content = files[name][1]
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert (sum, int(size)) == (f"sha256={digest}", len(content)), name
    entry, script = files[f"sexton-{version}.data/scripts/sexton"]
    assert script == binary and stat.S_IMODE(entry.external_attr >> 16) == 0o755
    assert all(f"sexton-{version}.data/data/{document}" in files for document in DOCUMENTS)


def streams(content):
    while content:
        stream = zlib.decompressobj(wbits=31)
        raw = stream.decompress(content)
        assert stream.eof
        yield raw, content[: len(content) - len(stream.unused_data)]
        content = stream.unused_data


def apk(path):
    (control, _), (data, packed) = streams(path.read_bytes())
    assert len(control) % 512 == 0 and any(control[-1024:]), "the control part has the end of an archive"
    information = tar(control + bytes(1024))[".PKGINFO"][1].decode()
    pairs = [line.split(" = ", 1) for line in information.splitlines() if not line.startswith("#")]
    fields = dict(pairs)
    assert len(fields) == len(pairs) and all(fields.values()), pairs
    wanted = ("sexton", f"{version}-r0", path.stem.split(".")[-1])
    assert (fields["pkgname"], fields["pkgver"], fields["arch"]) == wanted
    assert fields["datahash"] == hashlib.sha256(packed).hexdigest()
    files = tar(data)
    for entry, content in files.values():
        sum = entry.pax_headers.get("APK-TOOLS.checksum.SHA1")
        assert sum == hashlib.sha1(content).hexdigest() if entry.isfile() else entry.isdir(), entry.name
        assert str(pathlib.PurePath(entry.name).parent) in [".", *files], f"{entry.name}: without its folder"
    assert int(fields["size"]) == sum_of_sizes(files)
    assert files["usr/bin/sexton"][1] == binary and files["usr/bin/sexton"][0].mode == 0o755
    assert all(f"usr/{document}" in files for document in DOCUMENTS)


def sum_of_sizes(files):
    return sum(entry.size for entry, _ in files.values() if entry.isfile())


def image(path):
    """The binaries in it, each twice: as the OCI layout has it, and as Docker's manifest."""
    files = {name: content for name, (_, content) in tar(path.read_bytes()).items()}
    assert json.loads(files.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    used = set()

    def blob(part):
        name = "blobs/" + part["digest"].replace(":", "/")
        used.add(name)
        assert part["digest"] == f"sha256:{hashlib.sha256(files[name]).hexdigest()}"
        assert part["size"] == len(files[name])
        return files[name]

    def layer(config, packed):
        config, plain = json.loads(config), gzip.decompress(packed)
        assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(plain).hexdigest()}"]
        assert config["config"]["Entrypoint"] == ["/sexton", "--"]
        ((name, (entry, content)),) = tar(plain).items()
        assert (name, entry.mode) == ("sexton", 0o755)
        return content, {key: config[key] for key in ("architecture", "os", "variant") if key in config}

    def walk(part):
        value = json.loads(blob(part))
        assert value["mediaType"] == part["mediaType"]
        if value["mediaType"].endswith(".index.v1+json"):
            return [image for part in value["manifests"] for image in walk(part)]
        content, platform = layer(blob(value["config"]), blob(value["layers"][0]))
        assert len(value["layers"]) == 1 and part.get("platform") == platform
        return [content]

    (top,) = json.loads(files.pop("index.json"))["manifests"]
    assert top["annotations"]["org.opencontainers.image.ref.name"] == f"localhost/sexton:{version}"
    images = walk(top)
    saved = json.loads(files.pop("manifest.json"))
    assert [layer(files[one["Config"]], files[one["Layers"][0]])[0] for one in saved] == images
    assert used == files.keys(), "blobs that nothing names"
    return images


def binstall():
    """The address that `cargo binstall` makes names a file of the release."""
    package = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]
    wanted = package["metadata"]["binstall"]
    # As target_lexicon names it, so that of riscv64 (riscv64gc) is compiled.
    values = {"name": "sexton", "version": version, "target-arch": "armv7" if machine == "armv7l" else machine}
    url = wanted["pkg-url"].replace("{ repo }", package["repository"])
    for name, value in values.items():
        url = url.replace(f"{{ {name} }}", value)
    start, _, file = url.rpartition("/")
    assert start == f"https://github.com/OWNER/sexton/releases/download/v{version}", url
    assert wanted["pkg-fmt"] == "bin" and (folder / file).read_bytes() == binary, url


binstall()
for path in folder.glob(f"*_{machine}.whl"):
    wheel(path)
(package,) = folder.glob(f"*.{'armv7' if machine == 'armv7l' else machine}.apk")
apk(package)
assert image(folder / f"sexton-{version}-image-{machine}.tar") == [binary]
assert binary in image(folder / f"sexton-{version}-image.tar")
