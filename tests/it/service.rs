//! Under a service manager: what it is told, and the units that are shipped.

use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::black_box::courtesy::{Daemon, Installation};
use crate::support::repository;

/// The next thing that is told.
fn told(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("it is told within a minute");
    String::from_utf8(buffer[..length].to_vec()).expect("text")
}

/// Reads up to the word that begins so, and gives it back.
fn told_of(socket: &UnixDatagram, word: &str) -> String {
    loop {
        let told = told(socket);
        if told.starts_with(word) {
            return told;
        }
    }
}

#[test]
fn a_service_manager_is_told_of_the_start_of_each_look_of_reloads_and_of_the_end() {
    let installation = Installation::with_a_customer();
    let path = installation.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("bound");
    socket.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
    let mut daemon = Daemon::start_under(&installation, ("NOTIFY_SOCKET", path.to_str().expect("text")));
    assert_eq!(told(&socket), "READY=1");
    assert_eq!(told(&socket), "WATCHDOG=1");
    let status = told_of(&socket, "STATUS=");
    assert!(status.starts_with("STATUS=23 rules in force; looked at 2"), "{status}");
    daemon.hang_up();
    let reloading = told_of(&socket, "RELOADING=1");
    let moment = reloading.split_once("\nMONOTONIC_USEC=").map(|(_, moment)| moment.parse::<u64>());
    assert!(matches!(moment, Some(Ok(1..))), "{reloading}");
    assert_eq!(told(&socket), "READY=1", "and not before");
    told_of(&socket, "STATUS=");
    installation.edit("config/courtesy.yaml", "business:", "bussiness:");
    daemon.hang_up();
    told_of(&socket, "RELOADING=1");
    assert_eq!(told(&socket), "READY=1", "it works on with what it has");
    daemon.signal("TERM");
    let ending = told_of(&socket, "STOPPING=1");
    assert!(ending.contains("STATUS=finishing the letters in hand"), "{ending}");
    assert_eq!(daemon.ended(), Some(0));
}

#[test]
fn the_journal_gets_the_level_of_each_line_and_a_pipe_behind_it_does_not() {
    let installation = Installation::with_a_customer();
    let run = |announced: fn(&fs::Metadata) -> String| {
        let (mut log, writer) = std::io::pipe().expect("a pipe");
        let writer = fs::File::from(OwnedFd::from(writer));
        let announced = announced(&writer.metadata().expect("a pipe has an inode"));
        let mut child =
            installation.start_with(("JOURNAL_STREAM", &announced), &["--verbose", "run", "--once"], writer);
        assert!(child.wait().expect("it ends").success());
        let mut lines = String::new();
        log.read_to_string(&mut lines).expect("text");
        lines
    };
    let journal = run(|stream| format!("{}:{}", stream.dev(), stream.ino()));
    assert!(journal.contains("<7>") && journal.contains(" DEBUG pass "), "{journal}");
    let pipe = run(|stream| format!("{}:{}", stream.dev(), stream.ino() + 1));
    assert!(pipe.contains(" DEBUG pass ") && !pipe.contains("<7>"), "{pipe}");
}

/// The shipped units in a folder, with the program at its place here.
fn units() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut units = Vec::new();
    for entry in fs::read_dir(repository("systemd")).expect("the units") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("text");
        let copy = folder.path().join(path.file_name().expect("a name"));
        fs::write(&copy, text.replace("/usr/bin/courtesy", env!("CARGO_BIN_EXE_courtesy"))).expect("written");
        if copy.extension().is_none_or(|ending| ending != "conf") {
            units.push(copy);
        }
    }
    (folder, units)
}

/// What `systemd-analyze` says of a unit, and whether it is content.
fn analysed(arguments: &[&str], unit: &Path) -> (bool, String) {
    let output =
        Command::new("systemd-analyze").args(arguments).arg(unit).output().expect("systemd-analyze is there");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("text"))
}

#[test]
#[ignore = "needs systemd-analyze of systemd"]
fn the_units_are_clean_and_leave_the_services_little() {
    let (_folder, units) = units();
    assert!(units.len() >= 3, "{units:?}");
    for unit in units {
        let (clean, said) = analysed(&["verify", "--man=no"], &unit);
        assert!(clean && said.is_empty(), "{}: {said}", unit.display());
        if unit.extension().is_some_and(|ending| ending == "service") {
            // The threshold is ten times the exposure.
            let (closed, said) = analysed(&["security", "--offline=true", "--threshold=12"], &unit);
            assert!(closed && said.contains("Overall exposure level"), "{}: {said}", unit.display());
        }
    }
}

#[test]
fn the_unit_waits_for_longer_than_the_usual_wait_for_an_answer() {
    let unit = fs::read_to_string(repository("systemd/courtesy.service")).expect("the unit");
    let minutes = |key: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)).expect("the key");
        Duration::from_mins(line.trim_end_matches("min").parse().expect("minutes"))
    };
    let usual = courtesy::relay::Timeouts::default();
    assert!(minutes("TimeoutStopSec=") > usual.final_dot);
    // It looks once a minute, and a page of a pass takes seconds.
    assert!(minutes("WatchdogSec=") > Duration::from_mins(5));
}
