//! `docker/Dockerfile` and the example beside it, built without a network.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::blocks;
use crate::engine::{self, Engine};
use crate::process;

on_each_engine!(
    the_image_of_sexton_can_be_used,
    the_image_of_a_release_has_the_binary_for_the_platform,
    the_example_stops_in_order,
    an_image_with_another_init_is_given_sexton_in_its_place,
    the_dockerfiles_of_the_documentation_are_built,
);

pub const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

pub fn new_tag() -> String {
    format!("localhost/{}:1", engine::new_name())
}

/// Builds one of the repository's Dockerfiles, or one at an absolute path, with local images in place
/// of those that it would pull.
pub fn build(engine: &Engine, dockerfile: &str, context: &Path, images: &[&str], tag: &str) {
    let mut build = engine.command();
    build
        .args(["build", "--network", "none", "--tag", tag, "--file"])
        .arg(Path::new(REPOSITORY).join(dockerfile));
    for image in images {
        build.args(["--build-arg", image]);
    }
    process::output_of(build.arg(context));
}

/// The image base stands in for rust:1-alpine: its `cargo` only copies the binary that is tested to
/// where cargo would put it.
pub fn build_sexton(engine: &Engine) -> String {
    let tag = new_tag();
    let context = engine::bed().join(engine::new_name());
    fs::create_dir_all(&context).unwrap();
    let copy = ["-r", "Cargo.toml", "Cargo.lock", "build.rs", ".cargo", "src"];
    process::output_of(Command::new("cp").args(copy).arg(&context).current_dir(REPOSITORY));
    build(engine, "docker/Dockerfile", &context, &["RUST=localhost/sexton/base:1"], &tag);
    tag
}

fn the_image_of_sexton_can_be_used(engine: &Engine) {
    let image = build_sexton(engine);
    let ended = engine.run().image(&image).start(&["/sexton", "--", "/no-such-command"]).end();
    ended.assert_status(127); // nothing but sexton is in the image: it can run itself
    assert!(ended.stderr.contains("/no-such-command"), "{ended:?}");
}

/// Of another platform's binary the content counts, as it cannot be run: which one it is, and that it is where a
/// `COPY --from` finds it.
fn the_image_of_a_release_has_the_binary_for_the_platform(engine: &Engine) {
    let context = engine::bed().join(engine::new_name());
    fs::create_dir_all(&context).unwrap();
    fs::copy(engine::bed().join("rootfs/sexton"), context.join("sexton-amd64")).unwrap();
    fs::write(context.join("sexton-arm"), "arm").unwrap();
    for platform in ["amd64", "arm"] {
        let (release, copy) = (new_tag(), new_tag());
        let platform_argument = format!("TARGETARCH={platform}");
        build(engine, "docker/Dockerfile.release", &context, &[&platform_argument], &release);
        let folder = engine::bed().join(engine::new_name());
        fs::create_dir_all(&folder).unwrap();
        let lines = format!(
            "FROM {release} AS release\nFROM localhost/sexton/base:1\nCOPY --from=release /sexton /copy\n"
        );
        fs::write(folder.join("Dockerfile"), lines).unwrap();
        let dockerfile = folder.join("Dockerfile");
        build(engine, dockerfile.to_str().unwrap(), &folder, &[], &copy);
        if platform == "amd64" {
            let run = engine.run().image(&release);
            run.start(&["/no-such-command"]).end().assert_status(127); // its entry point ends with `--`
            let run = engine.run().image(&copy);
            run.start(&["/copy", "--", "sh", "-c", "exit 7"]).end().assert_status(7);
        } else {
            let ended = engine.run().image(&copy).start(&["cat", "/copy"]).end();
            ended.assert_status(0);
            assert_eq!(ended.stdout, platform);
        }
    }
}

fn the_example_stops_in_order(engine: &Engine) {
    let sexton = format!("SEXTON={}", build_sexton(engine));
    let tag = new_tag();
    let context = Path::new(REPOSITORY).join("docker/examples/server");
    build(
        engine,
        "docker/examples/server/Dockerfile",
        &context,
        &[&sexton, "BASE=localhost/sexton/base:1"],
        &tag,
    );
    let mut container = engine.run().image(&tag).start(&[]);
    container.wait_for("server: ready");
    let ended = container.stop();
    ended.assert_status(0);
    assert!(ended.stdout.contains("server: stopped"), "{ended:?}");
    assert!(ended.stdout.contains("worker: stopped"), "{ended:?}");
}

fn an_image_with_another_init_is_given_sexton_in_its_place(engine: &Engine) {
    let sexton = format!("SEXTON={}", build_sexton(engine));
    let context = Path::new(REPOSITORY).join("docker/drop-in");
    for (init, status) in [("/usr/bin/tini", 127), ("/usr/bin/dumb-init", 2), ("/catatonit", 1)] {
        let tag = new_tag();
        let file = format!("INIT={init}");
        let images = [&sexton[..], "IMAGE=localhost/sexton/base:1", &file];
        build(engine, "docker/drop-in/Dockerfile", &context, &images, &tag);
        let run = engine.run().image(&tag).options(&["--entrypoint", init]);
        run.start(&["--", "no-such-command"]).end().assert_status(status);
    }
}

/// Every block of README and docs, with local images in place of those that would be pulled. What has no FROM is
/// some lines of a Dockerfile.
fn the_dockerfiles_of_the_documentation_are_built(engine: &Engine) {
    let base = "localhost/sexton/base:1";
    let sexton = build_sexton(engine);
    let context = engine::bed().join(engine::new_name());
    fs::create_dir_all(&context).unwrap();
    fs::write(context.join("app"), "").unwrap();
    let mut built = Vec::new();
    for block in blocks::all() {
        let not_run =
            block.comment.as_ref().is_some_and(|comment| comment.starts_with("not run: "));
        if block.language != "dockerfile" || not_run {
            continue;
        }
        let has_from = block.text.lines().any(|line| line.starts_with("FROM "));
        let from = if has_from { String::new() } else { format!("FROM {base}\n") };
        let local = |line: &str| match line.strip_prefix("FROM ") {
            Some(image) if image != "scratch" => format!("FROM {base}\n"),
            _ => line.replace("--from=sexton ", &format!("--from={sexton} ")) + "\n",
        };
        let text: String = block.text.lines().map(local).collect();
        let file = context.join("Dockerfile");
        fs::write(&file, from + &text).unwrap();
        build(engine, file.to_str().unwrap(), &context, &[], &new_tag());
        built.push(block.place);
    }
    assert!(built.len() >= 8, "{built:?}");
}
