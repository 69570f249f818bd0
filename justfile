# The everyday commands; each is a script or a cargo command that works without just, too.

target := "x86_64-unknown-linux-musl"

# Build the static binary.
build:
    cargo build --release --bin sexton --target {{target}}

# Show the main job: PID 1, zombies, a stop.
demo:
    bash tests/demo.sh

# The quick tests: under a minute, once they are built (root).
test-quick:
    bash tests/run.sh --quick

# All unit and integration tests: some four minutes (root). `cargo test` alone, without root, runs those that need none.
test *arguments:
    bash tests/run.sh {{arguments}}

# Docker, Podman, containerd, runc, crun (root).
test-containers *filter:
    bash tests/containers/run.sh {{filter}}

# Today's engines, in Debian sid, with sexton and without: writes docs/compatibility.md (root; minutes, a gigabyte).
test-engines *engine:
    tests/engines/run.sh {{engine}}

# OOM kills on cgroup v2 and raised limits, in a virtual machine (root); --kernel sid for a newer kernel.
test-qemu *arguments:
    bash tests/qemu/run.sh {{arguments}}

# Kills and signals in sexton's first moments, each case so many times (root); `--qemu` first: on cgroup v2.
test-window *arguments:
    tests/window.sh {{arguments}}

# How servers stop, with sexton and without: docs/software.md (root; a minute for each NAME, hours for all).
test-software *names:
    tests/software/run.sh {{names}}

# Units that start sexton, in a systemd of their own (root); of the machine, or of a suite of Debian: sid.
test-systemd suite="":
    SYSTEMD_SUITE={{suite}} tests/systemd/run.sh

# The integration tests inside of gVisor (root); --smoke: start, stop, grace and orphans only, in seconds.
test-gvisor *arguments:
    tests/gvisor/run.sh {{arguments}}

# docs/kubernetes in a real kubelet, which is built once (root).
test-kubernetes:
    bash tests/kubernetes/run.sh

# What is read and written, by libFuzzer, each target for so many seconds; `just fuzz keep` keeps what it found.
fuzz seconds="60" *targets:
    bash tests/fuzz/run.sh {{seconds}} {{targets}}

# What is made from the table of flags: man page, completions, option and signal tables, pictures.
pages:
    WRITE_PAGES=1 cargo test --locked --test it -- pages::what_is pages::pictures

# The documentation as a book, in target/book: cargo install mdbook --no-default-features.
book:
    mdbook build docs

# Every system call failing with every error: docs/faults.md (root, minutes); or all of one run by its name.
faults *run:
    bash tests/faults/run.sh --full {{run}}

# The table of docs/comparison.md, by runs (root); tino is a file: cargo install tino@0.1.24.
comparison tino:
    cargo build --locked --release --bin sexton --target {{target}}
    tests/comparison.py --write --tino {{tino}} target/{{target}}/release/sexton

# Measure sexton beside other inits: docs/benchmarks.md (root; minutes, on a machine with nothing else to do).
bench *arguments:
    benches/run.sh {{arguments}}

# Measure the start beside other inits, twice; fails if a target is missed (root; a minute, on a quiet machine).
bench-starts *builds:
    benches/run.sh --starts --twice {{builds}}

# Storms at random for so long, or `one` with the seed of a run (root): docs/soak.md.
soak time="30m" *seed:
    cargo build --locked --example probe
    cargo test --locked --test soak -- {{time}} {{seed}}

# A million orphans, and as many signals as go into a queue (root).
storms:
    cargo build --locked --example probe
    cargo test --locked --test soak -- full

# The bytes of the binary by part; --check, --update.
size *arguments:
    benches/size.sh {{arguments}}

# The files of a release, in dist/, for all architectures, and their tests (root): docs/release.md.
dist:
    docker/dist.sh
    tests/dist.sh

# Whether a release made twice, at different places, is the same byte for byte.
reproducible:
    docker/reproducible.sh

# The integration tests with sexton for aarch64, emulated (root; the kernel knows the emulator meanwhile).
test-aarch64 *filter:
    tests/aarch64.sh {{filter}}

# Licences and sources of the dependencies, and known faults, if it can be asked for them (cargo install cargo-deny).
deny *checks="advisories bans licenses sources":
    cargo deny --locked check {{checks}}

lint:
    cargo fmt --all --check
    tests/lines.sh
    cargo clippy --all-targets -- -D warnings

# All that CI does (root).
ci:
    .ci/run
