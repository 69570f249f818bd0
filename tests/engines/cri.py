#!/usr/bin/python3
"""A container by CRI, as a kubelet runs it, for a program in the foreground: cases.py has one for each engine.

    cri.py image ARCHIVE NAME ROOTFS.TAR    an image that `ctr images import` takes
    cri.py run NAME COMMAND...              writes the container's log, and exits with its status
    cri.py stop NAME SECONDS
    cri.py exec NAME COMMAND...

FOLDER is /run/engines: containerd.sock, and runtime_pb2.py of protoc.
"""
import hashlib
import io
import json
import sys
import tarfile
import time
from pathlib import Path

FOLDER = Path("/run/engines")
IMAGE = "localhost/sexton/base:1"


def image(archive, name, rootfs):
    layer = Path(rootfs).read_bytes()
    digest = hashlib.sha256(layer).hexdigest()
    config = {"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Entrypoint": None},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}
    if "pause" in name:
        config["config"]["Entrypoint"] = ["/sexton", "--pause"]
    text = json.dumps(config).encode()
    file = hashlib.sha256(text).hexdigest() + ".json"
    manifest = json.dumps([{"Config": file, "RepoTags": [name], "Layers": [digest + ".tar"]}]).encode()
    with tarfile.open(archive, "w") as tar:
        for name, content in ((file, text), (digest + ".tar", layer), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


class Client:
    def __init__(self):
        import grpc
        sys.path.insert(0, str(FOLDER))
        import runtime_pb2
        self.types = runtime_pb2
        self.channel = grpc.insecure_channel(f"unix://{FOLDER}/containerd.sock")

    def call(self, method, **fields):
        request = getattr(self.types, method + "Request")(**fields)
        rpc = self.channel.unary_unary(f"/runtime.v1.RuntimeService/{method}",
                                       request_serializer=type(request).SerializeToString,
                                       response_deserializer=getattr(self.types, method + "Response").FromString)
        return rpc(request, timeout=120)


def run(client, name, command):
    types = client.types
    logs = FOLDER / "logs" / name
    logs.mkdir(parents=True)
    node = types.NamespaceOption(network=types.NODE, pid=types.CONTAINER)
    sandbox = types.PodSandboxConfig(
        metadata={"name": name, "uid": name, "namespace": "default"}, log_directory=str(logs),
        linux={"cgroup_parent": "/engines", "security_context": {"namespace_options": node}})
    pod = client.call("RunPodSandbox", config=sandbox).pod_sandbox_id
    config = types.ContainerConfig(
        metadata={"name": name}, image={"image": IMAGE}, args=command, log_path="log",
        linux={"security_context": {"namespace_options": node}})
    container = client.call("CreateContainer", pod_sandbox_id=pod, config=config, sandbox_config=sandbox).container_id
    (logs / "container").write_text(container)
    status = 128
    try:
        client.call("StartContainer", container_id=container)
        shown = 0
        while True:
            state = client.call("ContainerStatus", container_id=container).status
            lines = (logs / "log").read_text().splitlines()
            for line in lines[shown:]:
                print(line.split(" ", 3)[3], flush=True)
            shown = len(lines)
            if state.state == types.CONTAINER_EXITED:
                break
            time.sleep(0.05)
        status = state.exit_code
    except Exception as error:
        print(error, flush=True)
    finally:
        client.call("StopPodSandbox", pod_sandbox_id=pod)
        client.call("RemovePodSandbox", pod_sandbox_id=pod)
    sys.exit(status)


def main():
    verb, *words = sys.argv[1:]
    if verb == "image":
        return image(*words)
    client, name = Client(), words[0]
    if verb == "run":
        return run(client, name, words[1:])
    container = (FOLDER / "logs" / name / "container").read_text()
    if verb == "stop":
        client.call("StopContainer", container_id=container, timeout=int(words[1]))
    else:
        answer = client.call("ExecSync", container_id=container, cmd=words[1:])
        print((answer.stdout + answer.stderr).decode(), end="")
        sys.exit(answer.exit_code)


main()
