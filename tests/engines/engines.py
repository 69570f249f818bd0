"""How each engine starts a container, stops it and looks into it."""
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

IMAGE = "localhost/sexton/base:1"


def call(*argv, check=True, **more):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120, **more)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv[:4]))}: {done.stdout.strip()[-250:]}")
    return done


class Bed:
    """The files of a container: busybox and sexton, as a folder, as an archive, and by an OCI bundle."""

    def __init__(self, folder):
        self.folder = folder
        self.scratch = Path("/run/engines")
        self.rootfs = self.scratch / "rootfs"
        for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "root", "run", "var/tmp", "usr", "sbin", "lib", "lib64",
                     "mnt", "home"):
            (self.rootfs / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", self.rootfs / "bin/busybox")
        for name in call("/bin/busybox", "--list").stdout.split():
            if name != "busybox":
                (self.rootfs / "bin" / name).symlink_to("busybox")
        shutil.copy(folder / "sexton", self.rootfs / "sexton")
        (self.rootfs / "etc/os-release").write_text("ID=test\n")
        (self.rootfs / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        (self.rootfs / "etc/group").write_text("root:x:0:\n")
        (self.rootfs / "etc/hosts").touch()
        (self.rootfs / "etc/resolv.conf").touch()
        self.archive = self.scratch / "rootfs.tar"
        call("tar", "-C", self.rootfs, "-cf", self.archive, ".")

    def bundle(self, runtime, name, command, tty):
        folder = self.scratch / "bundles" / name
        folder.mkdir(parents=True)
        call(runtime, "spec", cwd=folder)
        file = folder / "config.json"
        spec = json.loads(file.read_text())
        spec["root"] = {"path": str(self.rootfs), "readonly": True}
        spec["process"]["args"] = command
        spec["process"]["terminal"] = tty
        spec["process"].pop("rlimits", None)
        file.write_text(json.dumps(spec))
        return folder


def own_root(bed):
    """For engines that run commands on their own root."""
    shutil.copy(bed.rootfs / "sexton", "/run/sexton")
    if not Path("/sexton").is_symlink():
        Path("/sexton").symlink_to("/run/sexton")


class Engine:
    stops, can_exec, has_tty, has_outside = True, True, True, True
    flags = []  # of sexton
    differs = ()  # cases in which not even sexton's part is what it is elsewhere, because sexton is not PID 1
    program = package = None

    def __init__(self, bed):
        self.bed = bed
        self.daemon = None

    def version(self):
        package = self.package or self.program or self.name
        done = call("dpkg-query", "-W", "-f", "${Version}", package, check=False)
        if done.returncode or not done.stdout:
            raise RuntimeError(f"there is no package {package}")
        return re.sub(r"^\d+:", "", done.stdout)

    def environment(self):
        return None

    def up(self):
        pass

    def down(self):
        if self.daemon:
            self.daemon.terminate()
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                self.daemon.kill()

    def remove(self, name):
        pass

    def serve(self, log, *argv, answers):
        """Starts a daemon, and waits until it answers."""
        file = open(self.bed.scratch / log, "w")
        self.daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
        for _ in range(600):
            if call(*answers, check=False).returncode == 0:
                return
            if self.daemon.poll() is not None:
                break
            time.sleep(0.1)
        text = Path(file.name).read_text().strip().splitlines()
        raise RuntimeError(f"{argv[0]} does not answer: {' '.join(text[-2:])}")


class Docker(Engine):
    name, program, package, runtime = "docker", "docker", "docker.io", "runc"

    def up(self):
        socket = "unix:///run/engines/docker.sock"
        os.environ["DOCKER_HOST"] = socket
        os.environ["DOCKER_CONFIG"] = "/run/engines/docker-client"
        self.serve("dockerd.log", "dockerd", "--host", socket, "--data-root", "/run/engines/docker", "--exec-root",
                   "/run/engines/docker-exec", "--pidfile", "/run/engines/docker.pid", "--bridge=none",
                   "--iptables=false", "--ip6tables=false", "--ip-forward=false", answers=("docker", "version"))
        call("docker", "import", "--change", "ENV PATH=/bin", self.bed.archive, IMAGE)

    def start(self, name, command, tty, options):
        terminal = ["-i", "-t"] if tty else []
        return ["docker", "run", "--network=none", "--pull=never", "--name", name, *terminal, *options,
                IMAGE, *command], "/"

    def stop(self, name, timeout):
        call(self.program, "stop", "-t", str(timeout), name)

    def exec(self, name, command):
        done = call(self.program, "exec", name, *command, check=False)
        return done.returncode, done.stdout

    def remove(self, name):
        call(self.program, "rm", "-f", name, check=False)


class Podman(Docker):
    name, program, package = "podman", "podman", "podman"

    def up(self):
        conf, storage = self.bed.scratch / "containers.conf", self.bed.scratch / "storage.conf"
        conf.write_text('[containers]\nnetns = "none"\nlog_driver = "k8s-file"\n'
                        'default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]\n'
                        '[engine]\nruntime = "crun"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
                        'lock_type = "file"\ntmp_dir = "/run/engines/podman-tmp"\n')
        storage.write_text('[storage]\ndriver = "overlay"\ngraphroot = "/run/engines/podman"\n'
                           'runroot = "/run/engines/podman-run"\n')
        policy = Path("/etc/containers/policy.json")
        if not policy.exists():
            policy.parent.mkdir(exist_ok=True)
            policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        os.environ["CONTAINERS_CONF"], os.environ["CONTAINERS_STORAGE_CONF"] = str(conf), str(storage)
        call("podman", "import", "--change", "ENV PATH=/bin", self.bed.archive, IMAGE)

    def start(self, name, command, tty, options):
        argv, directory = super().start(name, command, tty, options)
        return ["podman", *argv[1:]], directory

    def remove(self, name):
        call("podman", "rm", "-f", "-t", "0", name, check=False)


class Runc(Engine):
    name = "runc"

    def root(self):
        return ["--root", f"/run/engines/{self.name}"]

    def start(self, name, command, tty, options):
        return [self.name, *self.root(), "run", name], self.bed.bundle(self.name, name, command, tty)

    def stop(self, name, timeout):
        call(self.name, *self.root(), "kill", name, "TERM")

    def exec(self, name, command):
        done = call(self.name, *self.root(), "exec", name, *command, check=False)
        return done.returncode, done.stdout

    def remove(self, name):
        call(self.name, *self.root(), "delete", "-f", name, check=False)


class Crun(Runc):
    name = "crun"


class Containerd(Engine):
    """By `ctr`, as its own client does."""

    name, program = "containerd", "containerd"
    address = "/run/engines/containerd.sock"

    def ctr(self, *words):
        return ["ctr", "--address", self.address, *words]

    def up(self):
        file = self.bed.scratch / "containerd.toml"
        file.write_text(f'version = 2\nroot = "/run/engines/containerd"\nstate = "/run/engines/containerd-state"\n'
                        f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "{self.address}"\n'
                        '[plugins."io.containerd.internal.v1.opt"]\n  path = "/run/engines/containerd-opt"\n')
        self.serve("containerd.log", "containerd", "--config", str(file), answers=self.ctr("version"))

    def start(self, name, command, tty, options):
        terminal = ["--tty"] if tty else []
        return self.ctr("run", "--rm", "--rootfs", "--env", "PATH=/bin", *terminal,
                        str(self.bed.rootfs), name, *command), "/"

    def stop(self, name, timeout):
        call(*self.ctr("task", "kill", "--signal", "SIGTERM", name))

    def exec(self, name, command):
        done = call(*self.ctr("task", "exec", "--exec-id", "look", name, *command), check=False)
        return done.returncode, done.stdout

    def remove(self, name):
        call(*self.ctr("task", "rm", "-f", name), check=False)
        call(*self.ctr("container", "rm", name), check=False)


class Cri(Containerd):
    """containerd's CRI plugin, by a client that does what a kubelet does. Nothing is in the foreground, and has a
    terminal."""

    name, has_outside, has_tty = "containerd by CRI", False, False
    client = ["python3", "/tmp/engines/cri.py"]

    def up(self):
        self.version()
        if not Path("/usr/lib/python3/dist-packages/grpc").exists():
            raise RuntimeError("there is no python3-grpcio")
        call("protoc", "--proto_path=/tmp/engines", "--python_out=/run/engines", "runtime.proto")
        file = self.bed.scratch / "cri.toml"
        file.write_text(f'''version = 3
root = "/run/engines/cri"
state = "/run/engines/cri-state"
[grpc]
  address = "{self.address}"
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/engines/cri-opt"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "localhost/sexton/pause:1"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    conf_dir = "/run/engines/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
''')
        self.serve("cri.log", "containerd", "--config", str(file), answers=self.ctr("version"))
        for name in (IMAGE, "localhost/sexton/pause:1"):
            archive = self.bed.scratch / "image.tar"
            call(*self.client, "image", archive, name, self.bed.archive)
            call(*self.ctr("--namespace", "k8s.io", "images", "import", str(archive)))

    def start(self, name, command, tty, options):
        return [*self.client, "run", name, *command], "/"

    def stop(self, name, timeout):
        call(*self.client, "stop", name, str(timeout))

    def exec(self, name, command):
        done = call(*self.client, "exec", name, *command, check=False)
        return done.returncode, done.stdout

    def remove(self, name):
        if (self.bed.scratch / "logs" / name / "container").exists():
            call(*self.client, "stop", name, "0", check=False)


class Bwrap(Engine):
    """With --as-pid-1: the command is PID 1."""

    name, program, package, stops, can_exec = "bwrap --as-pid-1", "bwrap", "bubblewrap", False, False
    options = ["--as-pid-1"]

    def start(self, name, command, tty, options):
        return ["bwrap", "--ro-bind", str(self.bed.rootfs), "/", "--dev", "/dev", "--proc", "/proc", "--unshare-pid",
                "--setenv", "PATH", "/bin", *self.options, "--", *command], "/"


class BwrapInit(Bwrap):
    """bwrap's own PID 1, which reaps."""

    name, options = "bwrap", []


class BwrapDie(Bwrap):
    name, options = "bwrap --die-with-parent", ["--as-pid-1", "--die-with-parent"]


class BwrapDeath(Bwrap):
    """The signal of the parent's death, which bwrap itself does not ask for."""

    name, flags = "bwrap --as-pid-1, `--pdeathsig TERM`", ["--pdeathsig=TERM"]


class Nspawn(Engine):
    name, program, package, can_exec = "systemd-nspawn", "systemd-nspawn", "systemd-container", False
    options, inside = [], []
    stops = False

    def up(self):
        # 258 and newer know cgroup v2 only, and need no controllers of it.
        hybrid = not Path("/sys/fs/cgroup/cgroup.controllers").exists()
        if hybrid and int(self.version().split(".")[0]) >= 258:
            script = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"'
            self.inside = ["unshare", "--mount", "sh", "-c", script, "sh"]

    def start(self, name, command, tty, options):
        console = "--console=interactive" if tty else "--console=pipe"
        return [*self.inside, "systemd-nspawn", "-q", "--register=no", "--keep-unit", console, "--kill-signal=SIGTERM",
                "--setenv=PATH=/bin", *self.options, "-M", name, "--volatile=no", "-D", str(self.bed.rootfs),
                *command], "/"


class NspawnPid2(Nspawn):
    name, options = "systemd-nspawn --as-pid2", ["--as-pid2"]


class Lxc(Engine):
    """lxc-start in the foreground: lxc.init.cmd is PID 1."""

    name, package = "lxc-start", "lxc"

    def start(self, name, command, tty, options):
        folder = self.bed.scratch / "lxc" / name
        folder.mkdir(parents=True)
        script = folder / "command"
        words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
        script.write_text(f"#!/bin/sh\nexec {words}\n")
        (folder / "config").write_text(
            f"lxc.rootfs.path = dir:{self.bed.rootfs}\nlxc.uts.name = box\nlxc.net.0.type = none\n"
            "lxc.mount.auto = proc:rw\nlxc.environment = PATH=/bin\nlxc.signal.halt = SIGTERM\n"
            "lxc.apparmor.profile = unconfined\n"
            f"lxc.mount.entry = {script} command none bind,create=file,ro 0 0\nlxc.init.cmd = /command\n"
            "lxc.pty.max = 10\n" + ("" if tty else "lxc.console.path = none\n"))
        script.chmod(0o755)
        return ["lxc-start", "-F", "-P", str(self.bed.scratch / "lxc"), "-n", name], "/"

    def stop(self, name, timeout):
        call("lxc-stop", "-P", str(self.bed.scratch / "lxc"), "-n", name, "-t", str(timeout), check=False)

    def exec(self, name, command):
        done = call("lxc-attach", "-P", str(self.bed.scratch / "lxc"), "-n", name, "--", *command, check=False)
        return done.returncode, done.stdout

    def remove(self, name):
        call("lxc-stop", "-P", str(self.bed.scratch / "lxc"), "-n", name, "-k", check=False)


class User(Engine):
    """As another user than root."""

    stops, can_exec = False, False

    def up(self):
        if call("id", "kit", check=False).returncode:
            call("useradd", "-m", "-u", "4711", "kit")
        for file in map(Path, ("/etc/subuid", "/etc/subgid")):
            if not file.exists() or "kit:" not in file.read_text():
                with file.open("a") as text:
                    text.write("kit:300000:65536\n")

    def as_user(self, *argv):
        return ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups",
                "env", "HOME=/home/kit", "XDG_RUNTIME_DIR=/tmp", *argv]


class Apptainer(User):
    """With a PID namespace, and without apptainer's own init. As root it would need all capabilities."""

    name, program = "apptainer", "apptainer"
    options = ["--pid", "--no-init"]

    def start(self, name, command, tty, options):
        return self.as_user("apptainer", "-q", "exec", "--userns", *self.options, "--no-mount", "home,cwd,tmp",
                            "--pwd", "/", "--env", "PATH=/bin", str(self.bed.rootfs), *command), "/"


class ApptainerInit(Apptainer):
    name, options = "apptainer, own init", ["--pid"]


class Buildah(Engine):
    """A step of a build, in a container of its own."""

    name, program, stops, can_exec = "buildah run", "buildah", False, False
    buildah = ["buildah", "--root", "/run/engines/buildah", "--runroot", "/run/engines/buildah-run",
               "--storage-driver", "vfs"]

    def up(self):
        base = call(*self.buildah, "from", "scratch").stdout.strip()
        call(*self.buildah, "add", base, self.bed.archive, "/")
        call(*self.buildah, "config", "--env", "PATH=/bin", base)
        call(*self.buildah, "commit", base, IMAGE)

    def start(self, name, command, tty, options):
        # Its own limits may be above the machine's.
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        call(*self.buildah, "from", "--name", name, "--pull-never", *limits, IMAGE)
        terminal = ["--terminal"] if tty else []
        return [*self.buildah, "run", "--isolation=oci", "--runtime=crun", "--network=none", *terminal, name, "--",
                *command], "/"

    def remove(self, name):
        call(*self.buildah, "rm", name, check=False)


class Proot(Engine):
    """A tracer in place of chroot(2), without namespaces: the command is never PID 1."""

    name, stops, can_exec = "proot", False, False

    def start(self, name, command, tty, options):
        # With its seccomp filter proot 5.4.0 ends static programs at their start, on this kernel.
        return ["env", "PROOT_NO_SECCOMP=1", "proot", "-r", str(self.bed.rootfs), "-b", "/proc", "-b", "/dev",
                "-w", "/", "env", "PATH=/bin", *command], "/"


class Firejail(Engine):
    """On the engine's own root; firejail is PID 1."""

    name, stops, can_exec = "firejail", False, False

    def start(self, name, command, tty, options):
        own_root(self.bed)
        return ["firejail", "--quiet", "--noprofile", "--", *command], "/"


class Rootlesskit(User):
    """rootlesskit's child is PID 1. On the engine's own root."""

    name, package = "rootlesskit --pidns", "rootlesskit"

    def start(self, name, command, tty, options):
        own_root(self.bed)
        return self.as_user("rootlesskit", "--pidns", *command), "/tmp"


def all_of(suite, bed):
    kinds = [Docker, Podman, Containerd, Cri, Runc, Crun, Apptainer, ApptainerInit]
    if suite == "bookworm":
        kinds = []  # tests/containers has them
    else:
        kinds += [Buildah, Proot]
    kinds += [Lxc, Bwrap, BwrapInit, BwrapDie, BwrapDeath, Nspawn, NspawnPid2, Firejail, Rootlesskit]
    return [kind(bed) for kind in kinds]
