//! The image archives of a release, as `docker/packages/image.py` makes them, loaded without a network.

use std::path::PathBuf;
use std::process::Command;

use crate::dockerfile::{REPOSITORY, new_tag};
use crate::engine::{self, Engine};
use crate::process;

on_each_engine!(
    the_archive_of_a_platform_is_loaded_and_runs,
    the_archive_of_all_platforms_is_loaded_and_runs,
);
on_each!(containerd super::Containerd, {
    containerd_imports_the_archive_of_a_platform,
    containerd_takes_its_platform_out_of_the_archive_of_all,
});

/// The archive of x86_64, that of all platforms, and the name of the image in both. The binary for arm64 is none.
fn archives() -> (PathBuf, PathBuf, String) {
    let folder = engine::bed().join(engine::new_name());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("arm64"), "not a program").unwrap();
    let tag = new_tag();
    let mut make = Command::new(format!("{REPOSITORY}/docker/packages/image.py"));
    make.current_dir(REPOSITORY).env("SOURCE_DATE_EPOCH", "1700000000");
    make.arg(folder.join("image")).arg(&tag);
    make.arg(format!("arm64={}", folder.join("arm64").display()));
    make.arg(format!("amd64={}", engine::bed().join("rootfs/sexton").display()));
    process::output_of(&mut make);
    (folder.join("image-x86_64.tar"), folder.join("image.tar"), tag)
}

fn assert_runs(engine: &Engine, image: &str) {
    let ended = engine.run().image(image).start(&["/sexton", "--", "/no-such-command"]).end();
    ended.assert_status(127); // sexton runs itself: nothing else is there
    assert!(ended.stderr.contains("/no-such-command"), "{ended:?}");
}

fn the_archive_of_a_platform_is_loaded_and_runs(engine: &Engine) {
    let (one, _, tag) = archives();
    process::output_of(engine.command().arg("load").arg("--input").arg(one));
    assert_runs(engine, &tag);
}

/// Docker's classic store has no platforms: it loads each image by a name of its own. Podman takes that of its
/// platform.
fn the_archive_of_all_platforms_is_loaded_and_runs(engine: &Engine) {
    let (_, all, tag) = archives();
    let loaded = process::output_of(engine.command().arg("load").arg("--input").arg(all));
    let mut names: Vec<&str> = loaded.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    names.sort_unstable();
    let each = [format!("{tag}-amd64"), format!("{tag}-arm64")];
    assert!(names == [&tag] || names == each, "{loaded}");
    assert_runs(engine, names[0]);
}

/// containerd by its own client.
struct Containerd;

impl Containerd {
    fn command(&self) -> Command {
        let mut command = Command::new("ctr");
        command.args(["--namespace", "archives", "--address"]);
        command.arg(engine::bed().join("containerd/socket"));
        command
    }

    fn import_and_run(&self, archive: PathBuf, tag: &str) {
        process::output_of(self.command().args(["images", "import"]).arg(archive));
        let mut run = self.command();
        run.args(["run", "--rm", tag, &engine::new_name()]);
        run.args(["/sexton", "--", "/sexton", "--", "/no-such-command"]);
        let ended = process::Listener::spawn(&mut run).end();
        ended.assert_status(127);
        assert!(ended.stderr.contains("/no-such-command"), "{ended:?}");
    }
}

fn containerd_imports_the_archive_of_a_platform(containerd: &Containerd) {
    let (one, _, tag) = archives();
    containerd.import_and_run(one, &tag);
}

fn containerd_takes_its_platform_out_of_the_archive_of_all(containerd: &Containerd) {
    let (_, all, tag) = archives();
    containerd.import_and_run(all, &tag);
}
