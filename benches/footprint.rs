//! What the daemon costs while it has nothing to do, and how soon it is ready:
//! the real program on a store with a handful and with a million receivables,
//! as its service manager sees it. `cargo bench --bench footprint`; about ten
//! minutes, most of them for the import. `COURTESY_RECEIVABLES` is another
//! number, `COURTESY_IDLE_S` how long it is watched.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Fallible<()> {
    let number = |variable: &str, usual: u64| -> Fallible<u64> {
        Ok(std::env::var(variable).map_or(Ok(usual), |text| text.parse())?)
    };
    let idle = Duration::from_secs(number("COURTESY_IDLE_S", 180)?);
    for receivables in [10, number("COURTESY_RECEIVABLES", 1_000_000)?] {
        measure(receivables, idle)?;
    }
    Ok(())
}

fn measure(receivables: u64, idle: Duration) -> Fallible<()> {
    let folder = tempfile::tempdir()?;
    fill(folder.path(), receivables)?;
    let size = fs::metadata(folder.path().join("data/courtesy.db"))?.len() >> 20;
    println!("{receivables} receivables, {size} MiB:");
    // The first start looks at everybody, the second one at nobody.
    for start in ["first start", "second start"] {
        let mut watched = Watched::start(folder.path())?;
        let ready = watched.until("READY=1")?;
        let looked = watched.until("STATUS=")?;
        println!("  {start}: ready after {ready:.1?}, the first look done after {looked:.1?}");
        if start == "second start" {
            watched.idle(idle)?;
        }
        watched.stop()?;
    }
    Ok(())
}

fn courtesy(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_courtesy"));
    command.args(words).current_dir(folder).env_remove("COURTESY_CONFIG").stdout(Stdio::null());
    command
}

/// A tenth is overdue; the rest is due within years.
fn fill(folder: &Path, receivables: u64) -> Fallible<()> {
    let customers = receivables / 5 + 1;
    let mut table = "id,name,email,locale\n".to_owned();
    for n in 0..customers {
        writeln!(table, "C{n},Customer {n},c{n}@example.test,en")?;
    }
    fs::write(folder.join("customers.csv"), table)?;
    let mut table = "id,customer_id,kind,amount,currency,due_on\n".to_owned();
    for n in 0..receivables {
        let due = if n % 10 == 0 { "2020-02-20" } else { "2090-12-01" };
        writeln!(table, "R{n},C{},invoice,{}.50,CNY,{due}", n % customers, 1_000 + n % 1_000)?;
    }
    fs::write(folder.join("receivables.csv"), table)?;
    let steps: [&[&str]; 3] = [
        &["init", "shop"],
        &["--config", "shop/config", "import", "customers", "customers.csv"],
        &["--config", "shop/config", "import", "receivables", "receivables.csv"],
    ];
    for words in steps {
        if !courtesy(folder, words).stderr(Stdio::null()).status()?.success() {
            return Err(format!("courtesy {words:?} failed").into());
        }
    }
    for part in ["config", "templates", "data"] {
        fs::rename(folder.join("shop").join(part), folder.join(part))?;
    }
    Ok(())
}

/// A daemon and what it tells its service manager.
struct Watched {
    child: Child,
    socket: UnixDatagram,
    began: Instant,
}

impl Watched {
    fn start(folder: &Path) -> Fallible<Self> {
        let path = folder.join("notify");
        if path.exists() {
            fs::remove_file(&path)?;
        }
        let socket = UnixDatagram::bind(&path)?;
        let began = Instant::now();
        let child = courtesy(folder, &["run"]).env("NOTIFY_SOCKET", &path).spawn()?;
        Ok(Self { child, socket, began })
    }

    /// How long after its start it said something that begins so.
    fn until(&self, word: &str) -> Fallible<Duration> {
        let mut buffer = [0; 4096];
        loop {
            let length = self.socket.recv(&mut buffer)?;
            if buffer[..length].starts_with(word.as_bytes()) {
                return Ok(self.began.elapsed());
            }
        }
    }

    fn idle(&self, idle: Duration) -> Fallible<()> {
        let (before, began) = (self.cpu()?, Instant::now());
        std::thread::sleep(idle);
        let (used, passed) = (self.cpu()?.saturating_sub(before), began.elapsed());
        println!(
            "  idle for {passed:.0?}: {used:.0?} of one core, {:.3} %; {} resident, {} of it its own, {} at the most",
            100.0 * used.as_secs_f64() / passed.as_secs_f64(),
            self.memory("VmRSS:")?,
            self.memory("RssAnon:")?,
            self.memory("VmHWM:")?,
        );
        Ok(())
    }

    /// User and system time, which the kernel counts in hundredths.
    fn cpu(&self) -> Fallible<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        Ok(Duration::from_millis(10 * (fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)))
    }

    fn memory(&self, what: &str) -> Fallible<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(what)).ok_or("no such line")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        let tenths = kib * 1_024 / 100_000;
        Ok(format!("{}.{} MB", tenths / 10, tenths % 10))
    }

    fn stop(&mut self) -> Fallible<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        if self.child.wait()?.success() { Ok(()) } else { Err("it did not end well".into()) }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It has ended already where all went well.
        self.child.kill().ok();
    }
}
