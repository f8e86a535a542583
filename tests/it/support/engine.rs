//! Real builders on a bench: Docker Engine on a socket of its own, and Buildah, with base images made from scratch.

use super::case::{RealBuild, RealStep};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// PATH, as in the images that the recorded cases were made with.
const IMAGE_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One build, as a builder takes it.
pub struct Order<'a> {
    pub context: &'a Path,
    pub dockerfile: &'a Path,
    pub build_args: &'a BTreeMap<String, String>,
    pub target: Option<&'a str>,
}

/// What all engines here can do.
pub trait Engine {
    /// Makes `name` an image of its own layer, from a tar file of its root.
    fn import(&self, tar: &Path, name: &str);
    /// Builds and reads the flags that were printed.
    fn build(&self, order: &Order) -> RealBuild;
}

/// True where all `programs` can be started.
pub fn have(programs: &[&str]) -> bool {
    programs.iter().all(|p| {
        Command::new(p)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    })
}

/// A root file system whose only program is the stand-in, as a tar file; `mark` makes its layer differ from others.
pub fn base_tar(folder: &Path, mark: &str) -> PathBuf {
    let program = folder.join("stand-in");
    if !program.exists() {
        let source = super::case::fixtures("live/stand-in.c");
        must(
            Command::new("gcc")
                .args(["-static", "-O2", "-o"])
                .arg(&program)
                .arg(source),
        );
    }
    let root = folder.join("root");
    for dir in ["bin", "etc", "tmp", "root", "dev", "proc", "sys"] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    for shell in ["bin/sh", "bin/bash"] {
        std::fs::copy(&program, root.join(shell)).unwrap();
        must(Command::new("chmod").arg("4755").arg(root.join(shell)));
    }
    std::fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nnode:x:1001:1001::/root:/bin/sh\napp:x:1002:1002::/root:/bin/sh\n").unwrap();
    std::fs::write(
        root.join("etc/group"),
        "root:x:0:\nnode:x:1001:\napp:x:1002:\n",
    )
    .unwrap();
    std::fs::write(root.join("mark"), mark).unwrap();
    let tar = folder.join("base.tar");
    must(
        Command::new("tar")
            .arg("-C")
            .arg(&root)
            .arg("-cf")
            .arg(&tar)
            .arg("."),
    );
    tar
}

/// Docker Engine with its own BuildKit, and the builder before it.
pub struct Docker {
    folder: PathBuf,
    daemon: Child,
}

impl Docker {
    /// Starts the daemon with everything it has in `folder`.
    pub fn start(folder: &Path) -> Self {
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let daemon = Command::new("dockerd")
            .args([
                "--iptables=false",
                "--bridge=none",
                "--ip-forward=false",
                "--ip-masq=false",
                "-H",
            ])
            .arg(socket(folder))
            .arg("--data-root")
            .arg(folder.join("data"))
            .arg("--exec-root")
            .arg(folder.join("exec"))
            .arg("-p")
            .arg(folder.join("pid"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let this = Self {
            folder: folder.to_owned(),
            daemon,
        };
        let start = Instant::now();
        while !this
            .docker(false)
            .arg("info")
            .output()
            .is_ok_and(|o| o.status.success())
        {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "dockerd did not start: {}",
                tail(&log)
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        this
    }

    fn docker(&self, buildkit: bool) -> Command {
        let own = Path::new("/usr/bin/docker");
        let mut command = Command::new(if own.exists() {
            own
        } else {
            Path::new("docker")
        });
        command
            .arg("-H")
            .arg(socket(&self.folder))
            .env("DOCKER_BUILDKIT", if buildkit { "1" } else { "0" });
        command
    }

    fn build(&self, order: &Order, buildkit: bool) -> RealBuild {
        let mut command = self.docker(buildkit);
        command
            .args([
                "build",
                "--network",
                if buildkit { "host" } else { "none" },
                "-f",
            ])
            .arg(order.dockerfile);
        if buildkit {
            command.args(["--progress", "plain"]);
        }
        let output = finish(command, order);
        let text = printed(&output);
        RealBuild {
            ok: output.status.success(),
            steps: if buildkit {
                plain_steps(&text)
            } else {
                numbered_steps(&text)
            },
        }
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .arg(self.daemon.id().to_string())
            .status();
        let start = Instant::now();
        while matches!(self.daemon.try_wait(), Ok(None))
            && start.elapsed() < Duration::from_secs(30)
        {
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        unmount_below(&self.folder);
    }
}

/// BuildKit inside the engine.
pub struct EngineBuildKit<'a>(pub &'a Docker);

/// The builder before BuildKit.
pub struct Classic<'a>(pub &'a Docker);

impl Engine for EngineBuildKit<'_> {
    fn import(&self, tar: &Path, name: &str) {
        must(
            self.0
                .docker(true)
                .args(["import", "-c"])
                .arg(format!("ENV {IMAGE_PATH}"))
                .arg(tar)
                .arg(name),
        );
    }

    fn build(&self, order: &Order) -> RealBuild {
        self.0.build(order, true)
    }
}

impl Engine for Classic<'_> {
    fn import(&self, tar: &Path, name: &str) {
        EngineBuildKit(self.0).import(tar, name);
    }

    fn build(&self, order: &Order) -> RealBuild {
        self.0.build(order, false)
    }
}

/// Buildah with its storage in a folder.
pub struct Buildah {
    folder: PathBuf,
}

impl Buildah {
    /// Storage and configuration in `folder`; nothing is started.
    pub fn new(folder: &Path) -> Self {
        std::fs::write(
            folder.join("registries.conf"),
            "unqualified-search-registries = [\"docker.io\"]\n",
        )
        .unwrap();
        Self {
            folder: folder.to_owned(),
        }
    }

    fn buildah(&self) -> Command {
        let mut command = Command::new("buildah");
        command
            .arg("--root")
            .arg(self.folder.join("storage"))
            .arg("--runroot")
            .arg(self.folder.join("run"));
        command
            .args(["--storage-driver", "vfs", "--registries-conf"])
            .arg(self.folder.join("registries.conf"));
        command
    }
}

impl Drop for Buildah {
    fn drop(&mut self) {
        unmount_below(&self.folder);
    }
}

impl Engine for Buildah {
    fn import(&self, tar: &Path, name: &str) {
        let container = must(self.buildah().args(["from", "scratch"]));
        let container = String::from_utf8(container.stdout).unwrap();
        let container = container.trim();
        must(self.buildah().args(["add", container]).arg(tar).arg("/"));
        must(
            self.buildah()
                .args(["config", "--env", IMAGE_PATH, container]),
        );
        must(
            self.buildah()
                .args(["commit", "--rm", container])
                .arg(format!("docker.io/library/{name}")),
        );
    }

    fn build(&self, order: &Order) -> RealBuild {
        let mut command = self.buildah();
        command
            .args([
                "bud",
                "--layers",
                "--isolation",
                "chroot",
                "--pull-never",
                "--jobs",
                "1",
                "-f",
            ])
            .arg(order.dockerfile);
        let output = finish(command, order);
        RealBuild {
            ok: output.status.success(),
            steps: numbered_steps(&printed(&output)),
        }
    }
}

fn socket(folder: &Path) -> String {
    format!("unix://{}", folder.join("socket").display())
}

fn finish(mut command: Command, order: &Order) -> Output {
    for (name, value) in order.build_args {
        command.arg("--build-arg").arg(format!("{name}={value}"));
    }
    if let Some(target) = order.target {
        command.args(["--target", target]);
    }
    command.arg(order.context).output().unwrap()
}

fn must(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        tail(&printed(&output))
    );
    output
}

fn printed(output: &Output) -> String {
    [
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    ]
    .join("\n")
}

fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(2000);
    (from..=text.len())
        .find_map(|i| text.get(i..))
        .unwrap_or("")
}

/// `#7 [build 3/7] RUN …`, then `#7 CACHED` or `#7 DONE 0.1s`.
fn plain_steps(text: &str) -> Vec<RealStep> {
    let mut steps: BTreeMap<&str, RealStep> = BTreeMap::new();
    for line in text.lines() {
        let Some((number, rest)) = line.strip_prefix('#').and_then(|l| l.split_once(' ')) else {
            continue;
        };
        if let Some(step) = steps.get_mut(number) {
            step.cached |= rest == "CACHED";
        } else if let Some(step) = bracketed(rest) {
            steps.insert(number, step);
        }
    }
    steps.into_values().collect()
}

/// `[build 3/7] RUN …`.
fn bracketed(text: &str) -> Option<RealStep> {
    let (head, text) = text.strip_prefix('[')?.split_once("] ")?;
    let (stage, place) = head
        .rsplit_once(' ')
        .map_or(("", head), |(s, p)| (s.trim(), p));
    let index = place.split_once('/')?.0.parse().ok()?;
    Some(RealStep {
        stage: (!stage.is_empty()).then(|| stage.to_owned()),
        index,
        text: text.to_owned(),
        cached: false,
    })
}

/// `Step 3/7 : RUN …` or `[1/2] STEP 3/7: RUN …`, then ` ---> Using cache` or `--> Using cache ID`.
fn numbered_steps(text: &str) -> Vec<RealStep> {
    let mut steps: Vec<RealStep> = Vec::new();
    for line in text.lines() {
        if let Some(step) = numbered(line) {
            steps.push(step);
        } else if line
            .trim_start()
            .trim_start_matches('-')
            .starts_with("> Using cache")
        {
            steps
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|s| s.cached = true);
        }
    }
    steps
}

fn numbered(line: &str) -> Option<RealStep> {
    let (stage, rest) = match line.strip_prefix('[').and_then(|l| l.split_once("] ")) {
        Some((head, rest)) => (Some(head.split('/').next()?.to_owned()), rest),
        None => (None, line),
    };
    let rest = rest
        .strip_prefix("Step ")
        .or_else(|| rest.strip_prefix("STEP "))?;
    let (place, text) = rest.split_once(':')?;
    let index = place.trim().split_once('/')?.0.parse().ok()?;
    Some(RealStep {
        stage,
        index,
        text: text.trim_start().to_owned(),
        cached: false,
    })
}

/// Takes down what a daemon left mounted.
fn unmount_below(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mut points: Vec<&str> = mounts
        .lines()
        .filter_map(|l| l.split(' ').nth(1))
        .filter(|p| Path::new(p).starts_with(folder))
        .collect();
    points.sort();
    for point in points.iter().rev() {
        let _ = Command::new("umount").args(["-l", point]).status();
    }
}

/// A tar file of a root with this machine's own `programs`, the libraries that they load, and `scripts` in `/bin`.
pub fn tools_tar(folder: &Path, programs: &[&str], scripts: &[(&str, &str)]) -> PathBuf {
    let root = folder.join("tools");
    for dir in ["bin", "etc", "tmp", "root", "dev", "proc", "sys"] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    for program in programs {
        let found = must(Command::new("sh").args(["-c", &format!("command -v {program}")]));
        let found = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
        std::fs::copy(&found, root.join("bin").join(program)).unwrap();
        // A static program has no libraries, and `ldd` fails on it.
        let listed = Command::new("ldd").arg(&found).output().unwrap();
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for library in listed.split_whitespace().filter(|w| w.starts_with('/')) {
            let to = root.join(library.trim_start_matches('/'));
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(library, to).unwrap();
        }
    }
    for (name, text) in scripts {
        let to = root.join("bin").join(name);
        std::fs::write(&to, text).unwrap();
        must(Command::new("chmod").arg("755").arg(&to));
    }
    let tar = folder.join("tools.tar");
    must(
        Command::new("tar")
            .arg("-C")
            .arg(&root)
            .arg("-cf")
            .arg(&tar)
            .arg("."),
    );
    tar
}
