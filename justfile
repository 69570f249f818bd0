# The everyday commands; each is a script or a cargo command that works without just, too.

target := "x86_64-unknown-linux-musl"

# Build the static binary.
build:
    cargo build --release --bin sexton --target {{target}}

# Show the main job: PID 1, zombies, a stop.
demo:
    bash tests/demo.sh

# Unit and integration tests (root).
test *arguments:
    bash tests/run.sh {{arguments}}

# Docker, Podman, containerd, runc, crun (root).
test-containers *filter:
    bash tests/containers/run.sh {{filter}}

# OOM kills on cgroup v2 and raised limits, in a virtual machine (root).
test-qemu:
    bash tests/qemu/run.sh

# docs/kubernetes in a real kubelet, which is built once (root).
test-kubernetes:
    bash tests/kubernetes/run.sh

# The parsers, by libFuzzer, each for so many seconds.
fuzz seconds="60" *targets:
    bash tests/fuzz/run.sh {{seconds}} {{targets}}

# Measure sexton beside other inits: docs/benchmarks.md (root; minutes, on a machine with nothing else to do).
bench *arguments:
    benches/run.sh {{arguments}}

# Storms at random for so long, or `one` with the seed of a run (root): docs/soak.md.
soak time="30m" *seed:
    cargo build --locked --example probe
    cargo test --locked --test soak -- {{time}} {{seed}}

# The bytes of the binary by part; --check, --update.
size *arguments:
    benches/size.sh {{arguments}}

# The release archive, in dist/.
release:
    docker/release.sh

lint:
    cargo fmt --all --check
    cargo clippy --all-targets -- -D warnings

# All that CI does (root).
ci:
    .ci/run
