//! The package, on a clean Debian of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::black_box::courtesy::run_in;
use crate::faults::signal;
use crate::support::repository;

/// Runs a command that goes well or fails the test; what it says.
fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// Writes what the package holds besides the program to where it is taken from.
fn write_parts() {
    let folder = repository("target/package");
    let shown = run_in(&repository("."), &["package", folder.to_str().expect("text")]);
    assert_eq!(shown.code, 0, "{shown:?}");
}

#[test]
fn the_configuration_of_the_package_is_whole_and_keeps_its_data_elsewhere() {
    let dir = tempfile::tempdir().expect("a folder");
    let shown = run_in(dir.path(), &["package", "."]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let text = fs::read_to_string(dir.path().join("etc/courtesy.yaml")).expect("the configuration");
    assert!(
        text.contains("\ndata_dir: /var/lib/courtesy ") && text.contains("\ntemplates: templates "),
        "{text}"
    );
    let config =
        courtesy::config::load(&dir.path().join("etc/courtesy.yaml"), &|_| None).expect("it is clean");
    assert_eq!(config.store, Path::new("/var/lib/courtesy/courtesy.db"));
    assert_eq!(config.templates, dir.path().join("etc/templates"));
    courtesy::letter::Composer::load(&config.templates).expect("the letters are there");
    for page in ["man/courtesy.1", "man/courtesy-run.1", "completions/_courtesy", "completions/courtesy.bash"]
    {
        assert!(dir.path().join(page).is_file(), "{page}");
    }
    let page = fs::read_to_string(dir.path().join("man/courtesy-run.1")).expect("the page");
    assert!(page.contains(".nf\n\\&  courtesy run                      until it is told to stop"), "{page}");
    let unit = fs::read_to_string(repository("systemd/courtesy.service")).expect("the unit");
    assert!(
        unit.contains("COURTESY_CONFIG=/etc/courtesy/courtesy.yaml")
            && unit.contains("StateDirectory=courtesy\n")
    );
}

/// A Debian in a folder, with nothing in it but what every Debian has.
struct Debian(TempDir);

impl Debian {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("debootstrap");
        command.args(["--variant=minbase", "--include=adduser", "bookworm"]).arg(folder.path());
        done(&mut command);
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command within it, as a user.
    fn within(&self, user: &str, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(format!("--userspec={user}:{user}")).arg(self.0.path()).args(words);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    fn run(&self, words: &[&str]) -> String {
        done(&mut self.within("root", words))
    }

    fn courtesy(&self, words: &[&str]) -> String {
        done(&mut self.within("courtesy", &[&["courtesy"], words].concat()))
    }

    /// Makes the package of a version and puts it inside.
    fn package(&self, version: &str) -> String {
        let name = format!("/tmp/courtesy-{version}.deb");
        let mut command = Command::new("cargo");
        command
            .args([
                "deb",
                "--no-build",
                "--profile",
                "dev",
                "--no-strip",
                "--no-dbgsym",
                "--deb-version",
                version,
            ])
            .arg("--output")
            .arg(self.path(name.trim_start_matches('/')))
            .current_dir(repository("."));
        done(&mut command);
        name
    }
}

/// A daemon within it that is ready.
fn started(debian: &Debian) -> Child {
    let mut child = debian
        .within("courtesy", &["courtesy", "run"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("chroot is there");
    let mut log = BufReader::new(child.stdout.take().expect("its stdout"));
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        assert_ne!(log.read_line(&mut line).expect("text"), 0, "it ended before it was ready");
    }
    // What follows is read by nobody, and must keep it from nothing.
    child
}

fn stopped(mut daemon: Child) {
    signal(daemon.id(), "TERM");
    assert!(daemon.wait().expect("it ends").success());
}

#[test]
#[ignore = "needs root, cargo-deb and debootstrap"]
fn on_a_clean_debian_it_installs_runs_is_upgraded_under_a_live_store_and_goes_without_losing_data() {
    write_parts();
    let debian = Debian::new();
    let first = debian.package("1.0-1");
    debian.run(&["dpkg", "-i", &first]);
    let checked = debian.courtesy(&["check"]);
    assert!(checked.contains("ok "), "{checked}");
    for file in ["usr/share/man/man1/courtesy.1.gz", "lib/systemd/system/courtesy-backup.timer"] {
        assert!(debian.path(file).exists(), "{file}");
    }
    fs::write(debian.path("tmp/customers.csv"), "id,name,email\nC1,Ann,ann@example.test\n").expect("written");
    debian.courtesy(&["import", "customers", "/tmp/customers.csv"]);
    let daemon = started(&debian);
    // The administrator has changed a file, and upgrades while it runs.
    let rule = debian.path("etc/courtesy/rules/visit-thanks.yaml");
    let changed = fs::read_to_string(&rule).expect("a rule") + "# ours\n";
    fs::write(&rule, &changed).expect("written");
    let second = debian.package("1.0-2");
    debian.run(&["dpkg", "-i", &second]);
    assert_eq!(fs::read_to_string(&rule).expect("a rule"), changed);
    stopped(daemon);
    stopped(started(&debian));
    assert!(debian.courtesy(&["status"]).contains("1 customer"));
    debian.run(&["dpkg", "--remove", "courtesy"]);
    assert!(!debian.path("usr/bin/courtesy").exists() && rule.exists());
    let purged = debian.run(&["dpkg", "--purge", "courtesy"]);
    assert!(!debian.path("etc/courtesy/courtesy.yaml").exists());
    assert!(purged.contains("stays in /var/lib/courtesy"), "{purged}");
    assert!(debian.path("var/lib/courtesy/courtesy.db").exists());
    // Installed again it goes on where it was.
    debian.run(&["dpkg", "-i", &second]);
    assert!(debian.courtesy(&["status"]).contains("1 customer"));
}
