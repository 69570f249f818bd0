//! Programs that people really run, from Debian's packages, as the command under load: they are stopped, and
//! what they leave is checked.
//!
//! The images are those of `docker/examples`, so it is their entry points, files and configuration that
//! is tested. In place of debian:12-slim they are made from an image with no `/usr` (see
//! `testbed.sh`), and the host's is mounted when they run: nothing is copied. The containers have
//! no network; their clients are outside and come through sockets in a folder that both sides share.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::dockerfile;
use crate::engine::{self, Container, Engine};

mod compose;
mod cron;
mod ledgers;
mod nginx;
mod postgres;
mod servers;
mod sshd;

/// The time-out of the engine's stop, which the examples' grace is made for.
const STOP: u32 = 60;

/// What of the host is mounted: what Debian has in /usr, or as a link to it.
const USR: [&str; 5] = [
    "/usr:/usr:ro",
    "/usr/bin:/bin:ro",
    "/usr/sbin:/sbin:ro",
    "/usr/lib:/lib:ro",
    "/usr/lib64:/lib64:ro",
];

const DEBIAN: &str = "DEBIAN=localhost/sexton/debian:1";

/// The image of an example, and a folder to share with its containers.
struct Example<'a> {
    engine: &'a Engine,
    image: String,
    folder: PathBuf,
}

impl<'a> Example<'a> {
    fn build(engine: &'a Engine, name: &str) -> Self {
        let dockerfile = format!("docker/examples/{name}/Dockerfile");
        let context = Path::new(dockerfile::REPOSITORY).join("docker/examples").join(name);
        let image = dockerfile::new_tag();
        // (The init that is tested is in base, too.)
        let images = ["SEXTON=localhost/sexton/base:1", DEBIAN];
        dockerfile::build(engine, &dockerfile, &context, &images, &image);
        let folder = engine::bed().join(engine::new_name());
        fs::create_dir(&folder).unwrap();
        Self { engine, image, folder }
    }

    /// Makes a folder in the shared one, which any user may write to.
    fn new_folder(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        path
    }

    /// Starts the image's own command. `volumes` are pairs `SOURCE:TARGET`; a source that has no slash
    /// in front is in the shared folder.
    fn start(&self, volumes: &[&str], options: &[&str]) -> Container {
        let mut run = self.engine.run().image(&self.image).options(options);
        for volume in USR {
            run = run.options(&["--volume", volume]);
        }
        for volume in volumes {
            let volume = self.folder.join(volume);
            run = run.options(&["--volume", volume.to_str().expect("UTF-8")]);
        }
        run.start(&[])
    }
}
