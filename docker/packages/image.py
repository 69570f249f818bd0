#!/usr/bin/python3
"""Makes archives of the image that has the binary alone: one for each platform, and one of all with an index.

    image.py STEM NAME:TAG PLATFORM=BINARY...      PLATFORM: amd64, arm64, arm/v7, riscv64

Writes STEM-MACHINE.tar (MACHINE as by `uname -m`) and STEM.tar. Each is an OCI image layout for `podman load` and `ctr
images import`, and has the manifest.json of `docker save` for Docker's classic store, which knows nothing of platforms:
in the archive of all, the name of each gets the platform behind it there. SOURCE_DATE_EPOCH is the time of all.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import sys
import tarfile
import time
import tomllib

MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "arm/v7": "armv7l", "riscv64": "riscv64"}
OCI = "application/vnd.oci.image"
when = int(os.environ["SOURCE_DATE_EPOCH"])
package = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]
stem, reference = sys.argv[1:3]


def tar(files):
    """A tar of names and contents. What is executable says its name."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), when, 0o755 if name == "sexton" else 0o644
            archive.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Archive:
    """Blobs by their digests, and the images that they are of."""

    def __init__(self):
        self.blobs, self.manifests, self.saved = {}, [], []

    def blob(self, media_type, content):
        self.blobs[f"blobs/sha256/{sha256(content)}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{sha256(content)}", "size": len(content)}

    def add(self, platform, binary, tag):
        plain = tar([("sexton", binary)])
        layer = self.blob(f"{OCI}.layer.v1.tar+gzip", gzip.compress(plain, 9, mtime=0))
        architecture, _, variant = platform.partition("/")
        target = {"architecture": architecture, "os": "linux"} | ({"variant": variant} if variant else {})
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
        config = {
            "created": created,
            **target,
            "config": {
                "Entrypoint": ["/sexton", "--"],
                "Labels": {
                    "org.opencontainers.image.title": package["name"],
                    "org.opencontainers.image.description": package["description"],
                    "org.opencontainers.image.version": package["version"],
                    "org.opencontainers.image.licenses": package["license"],
                },
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(plain)}"]},
            "history": [{"created": created, "created_by": "docker/packages/image.py"}],
        }
        config = self.blob(f"{OCI}.config.v1+json", dump(config))
        manifest = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config, "layers": [layer]}
        self.manifests.append(self.blob(f"{OCI}.manifest.v1+json", dump(manifest)) | {"platform": target})
        paths = ["blobs/" + part["digest"].replace(":", "/") for part in (config, layer)]
        self.saved.append({"Config": paths[0], "RepoTags": [tag], "Layers": [paths[1]]})

    def write(self, path):
        image = self.manifests[0]
        if len(self.manifests) > 1:
            index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": self.manifests}
            image = self.blob(f"{OCI}.index.v1+json", dump(index))
        names = {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference}
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [image | {"annotations": names}]}
        files = {
            **self.blobs,
            "index.json": dump(index),
            "manifest.json": dump(self.saved),
            "oci-layout": dump({"imageLayoutVersion": "1.0.0"}),
        }
        pathlib.Path(path).write_bytes(tar(sorted(files.items())))


every = Archive()
for pair in sys.argv[3:]:
    platform, _, binary = pair.partition("=")
    binary = pathlib.Path(binary).read_bytes()
    one = Archive()
    one.add(platform, binary, reference)
    one.write(f"{stem}-{MACHINES[platform]}.tar")
    every.add(platform, binary, f"{reference}-{platform.replace('/', '')}")
every.write(f"{stem}.tar")
