//! The binary, its folder, and a running daemon.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// No test depends on the time of day.
const ALWAYS: &str = r#"  hours: { from: "00:00", until: "24:00", days: any, timezone: business }"#;

/// What a command did.
#[derive(Debug)]
pub struct Shown {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Shown {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            err: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

fn program(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_courtesy"));
    command
        .args(arguments)
        .current_dir(dir)
        .env_remove("COURTESY_CONFIG")
        .env_remove("COURTESY_LOG")
        .env_remove("NOTIFY_SOCKET")
        .env_remove("JOURNAL_STREAM")
        .env("USER", "tester")
        .stdin(Stdio::null());
    command
}

/// Runs the program in a folder until it ends.
pub fn run_in(dir: &Path, arguments: &[&str]) -> Shown {
    Shown::of(program(dir, arguments).output().expect("the program starts"))
}

/// A folder with the shipped files.
pub struct Installation {
    dir: TempDir,
}

impl Installation {
    /// As `courtesy init` leaves it, save that letters leave at any hour, so
    /// that no test depends on the time of day.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let made = run_in(dir.path(), &["init", "."]);
        assert_eq!(made.code, 0, "{made:?}");
        let installation = Self { dir };
        installation.always_open();
        installation
    }

    /// With these files and no others.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let installation = Self { dir: tempfile::tempdir().expect("a folder") };
        for (name, text) in files {
            let file = installation.path().join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, text).expect("written");
        }
        installation
    }

    fn always_open(&self) {
        let file = self.path().join("config/courtesy.yaml");
        let text = fs::read_to_string(&file).expect("the configuration");
        let lines: Vec<String> =
            text.lines()
                .map(|line| {
                    if line.trim_start().starts_with("hours:") { ALWAYS.to_owned() } else { line.to_owned() }
                })
                .collect();
        fs::write(file, lines.join("\n") + "\n").expect("written");
    }

    /// And with the customer C1.
    pub fn with_a_customer() -> Self {
        let installation = Self::new();
        installation.write(
            "customers.csv",
            "id,name,email,contact_name,locale\nC1,Ann's Bakery,ann@example.test,Ann Lee,en\n",
        );
        let taken = installation.run(&["import", "customers", "customers.csv"]);
        assert_eq!(taken.code, 0, "{taken:?}");
        // Rules about events are first seen at the first pass; what happened
        // before is not answered.
        let first = installation.run(&["run", "--once"]);
        assert_eq!(first.code, 0, "{first:?}");
        installation.edit("config/rules/visit-thanks.yaml", "+10min", "+0min");
        installation
    }

    /// Reminders look at any hour, and begin with what was overdue before.
    pub fn chase_the_backlog(&self) {
        let rule = "config/rules/payment-reminders.yaml";
        self.edit(rule, "schedule:", "# schedule:");
        self.edit(rule, "combine: customer", "combine: customer\nbacklog: start\n#");
    }

    /// A visit that went well, just now.
    pub fn record_visit(&self) -> Shown {
        self.run(&["record", "event", "C1", "visit", "--outcome", "positive"])
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn run(&self, arguments: &[&str]) -> Shown {
        run_in(self.path(), arguments)
    }

    /// The same with a variable of the environment.
    pub fn run_with(&self, (variable, value): (&str, &str), arguments: &[&str]) -> Shown {
        let output =
            program(self.path(), arguments).env(variable, value).output().expect("the program starts");
        Shown::of(output)
    }

    /// Starts the program and leaves it running, its stdout going into a file.
    pub fn start(&self, arguments: &[&str], log: fs::File) -> Child {
        let errors = log.try_clone().expect("a second handle");
        program(self.path(), arguments).stdout(log).stderr(errors).spawn().expect("the program starts")
    }

    /// The same with a variable of the environment, and without its stderr.
    pub fn start_with(&self, (variable, value): (&str, &str), arguments: &[&str], log: fs::File) -> Child {
        let mut command = program(self.path(), arguments);
        command.env(variable, value).stdout(log).stderr(Stdio::null()).spawn().expect("the program starts")
    }

    /// Runs the program with something on its stdin.
    pub fn run_reading(&self, arguments: &[&str], input: &[u8]) -> Shown {
        let mut child = program(self.path(), arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // Whoever writes a mail into it is never told that the pipe broke.
        child.stdin.take().expect("its stdin").write_all(input).expect("it reads all");
        Shown::of(child.wait_with_output().expect("it ends"))
    }

    /// Runs the program with a stdout that nobody reads.
    pub fn run_into_closed_pipe(&self, arguments: &[&str]) -> Shown {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        Shown::of(program(self.path(), arguments).stdout(writer).output().expect("the program starts"))
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("written");
    }

    /// Replaces a word in a file that has it.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(name)).expect("a text file");
        assert!(text.contains(from), "{name} has `{from}`");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// The line that has a word, counting from 1.
    pub fn line_of(&self, name: &str, word: &str) -> usize {
        let text = fs::read_to_string(self.path().join(name)).expect("a text file");
        1 + text.lines().position(|line| line.contains(word)).expect("the word")
    }

    /// The letters in the folder of files, in order of their names.
    pub fn letters(&self) -> Vec<String> {
        let mut files: Vec<PathBuf> = [self.path().join("outbox"), self.path().join("data/outbox")]
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        files.iter().map(|file| fs::read_to_string(file).expect("a letter")).collect()
    }
}

/// After so long without a word, a test fails rather than wait for ever.
const PATIENCE: Duration = Duration::from_mins(5);

/// A daemon that runs, and is killed if a test ends without stopping it.
pub struct Daemon {
    child: Child,
    log: Receiver<String>,
    seen: String,
}

impl Daemon {
    /// Starts it and waits until it is ready.
    pub fn start(installation: &Installation) -> Self {
        Self::start_with(installation, &[])
    }

    /// The same with more arguments.
    pub fn start_with(installation: &Installation, more: &[&str]) -> Self {
        Self::ready(program(installation.path(), &[&["run"], more].concat()))
    }

    /// Starts it and waits for nothing.
    pub fn start_unready(installation: &Installation) -> Self {
        Self::begin(program(installation.path(), &["run"]))
    }

    /// The same with a variable of the environment.
    pub fn start_under(installation: &Installation, (variable, value): (&str, &str)) -> Self {
        let mut command = program(installation.path(), &["run"]);
        command.env(variable, value);
        Self::ready(command)
    }

    /// The same, to survive a write that the system refuses for its size.
    pub fn start_within_limits(installation: &Installation) -> Self {
        let mut shell = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_courtesy");
        shell.args(["-c", r#"trap "" XFSZ; exec "$0" run"#, program]).current_dir(installation.path());
        Self::ready(shell)
    }

    fn ready(command: Command) -> Self {
        let mut daemon = Self::begin(command);
        daemon.wait_for("ready");
        daemon
    }

    fn begin(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("its stdout"));
        // A line is read when it is waited for: nobody empties the pipe.
        let (read, log) = mpsc::sync_channel(0);
        thread::spawn(move || {
            for line in stdout.lines() {
                let line = line.expect("its log is text");
                if read.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, log, seen: String::new() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads its log up to the line with this word.
    pub fn wait_for(&mut self, word: &str) -> String {
        loop {
            let line = match self.log.recv_timeout(PATIENCE) {
                Ok(line) => line + "\n",
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no `{word}` for {PATIENCE:?}; its log:\n{}", self.seen)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let mut complaint = String::new();
                    if let Some(stderr) = self.child.stderr.as_mut() {
                        stderr.read_to_string(&mut complaint).expect("its stderr is text");
                    }
                    panic!("it ended before `{word}`; its log:\n{}{complaint}", self.seen);
                }
            };
            self.seen.push_str(&line);
            if line.contains(word) {
                return line;
            }
        }
    }

    /// How many of the lines read so far have this word.
    pub fn told(&self, word: &str) -> usize {
        self.seen.lines().filter(|line| line.contains(word)).count()
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// SIGTERM, then its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for its end; its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    /// Sends a signal by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args(["-s", name, &self.id().to_string()]).status().expect("kill is there");
        assert!(sent.success(), "SIG{name}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already where a test went well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
