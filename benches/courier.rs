//! The whole way, from facts on disk to the relay's last answer: a first pass
//! over 100,000 open receivables, an idle pass, thirty days of rehearsal, and
//! letters a second from the outbox to Postfix' `smtp-sink`. `cargo bench --bench courier`; prints
//! ratios and exits. The yardsticks run beside: `SQLite` reading the same rows,
//! and Postfix' own `smtp-source` sending as many messages.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use courtesy::clock::{Clock, VirtualClock};
use courtesy::config;
use courtesy::domain::calendar::Days;
use courtesy::domain::rule::Backlog;
use courtesy::engine::rehearsal::Rehearsal;
use courtesy::engine::reload::InForce;
use courtesy::engine::{Engine, Office};
use courtesy::letter::Composer;
use courtesy::relay::{MemoryRelay, SmtpRelay, SmtpSettings, Timeouts, Tls};
use courtesy::store::sqlite::{OpenOptions, SqliteStore};
use courtesy::store::{ImportKind, ImportOrder, Store};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

const RECEIVABLES: usize = 100_000;
const CUSTOMERS: usize = 40_000;
const LETTERS: u32 = 10_000;
const COURIERS: usize = 32;

/// Monday, 2 March 2026, ten in the morning in Shanghai.
const NOW: &str = "2026-03-02T02:00:00Z";

#[tokio::main]
async fn main() -> Fallible<()> {
    let folder = tempfile::tempdir()?;
    let clock = VirtualClock::new(NOW.parse()?);
    let store = fill(folder.path(), clock.now()).await?;
    let pass = pass(&store, &clock, folder.path()).await?;
    rehearse(&folder.path().join("courtesy.db"), clock.now(), pass).await?;
    deliver(&store, &clock).await
}

fn office(per_pass: u32) -> Fallible<Office> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = config::load(&root.join("config/courtesy.yaml"), &|_| None).map_err(|_| "config")?;
    let mut office = Office {
        settings: config.settings,
        rules: config.rules,
        in_force: InForce { rules: config.fingerprints, ..InForce::default() },
        composer: Composer::load(&root.join("templates")).map_err(|_| "templates")?,
        mail: config.mail,
        connections: COURIERS,
        mask_addresses: true,
        calendar_ends: Vec::new(),
    };
    office.settings.letters.per_pass = per_pass;
    office.settings.letters.per_rule = u32::MAX;
    office.settings.letters.unusual.above = u32::MAX;
    office.settings.letters.hours.days = Days::Any;
    for rule in &mut office.rules {
        rule.backlog = Backlog::Start;
        rule.schedule = None;
    }
    Ok(office)
}

/// A tenth is overdue; the rest is due within the year.
async fn fill(folder: &Path, now: Timestamp) -> Fallible<SqliteStore> {
    let mut customers = "id,name,email,locale\n".to_owned();
    for n in 0..CUSTOMERS {
        let locale = if n % 2 == 0 { "zh-CN" } else { "en-GB" };
        writeln!(customers, "C{n},Customer {n},c{n}@example.test,{locale}")?;
    }
    let mut receivables = "id,customer_id,kind,amount,currency,due_on\n".to_owned();
    for n in 0..RECEIVABLES {
        let due = if n < RECEIVABLES / 10 { "2026-02-20" } else { "2026-12-01" };
        writeln!(receivables, "R{n},C{},invoice,{}.50,CNY,{due}", n % CUSTOMERS, 1_000 + n)?;
    }
    let zone = TimeZone::get("Asia/Shanghai")?;
    let store = SqliteStore::open(&folder.join("courtesy.db"), OpenOptions { business_zone: zone.clone() })?;
    for (kind, csv) in [(ImportKind::Customers, customers), (ImportKind::Receivables, receivables)] {
        let file = folder.join("import.csv");
        std::fs::write(&file, csv)?;
        let order = ImportOrder {
            kind,
            file,
            dry_run: false,
            keep_going: false,
            complete: false,
            allow_large_change: false,
            share: 1.0,
            zone: zone.clone(),
        };
        store.import(order, Arc::new(|_| {}), now).await?;
    }
    Ok(store)
}

async fn pass(store: &SqliteStore, clock: &VirtualClock, folder: &Path) -> Fallible<Duration> {
    // A cap of one letter: what is measured is looking, not queueing.
    let engine = Engine::new(store.clone(), MemoryRelay::new().0, clock.clone(), office(1)?);
    let start = Instant::now();
    let report = engine.pass().await?;
    let first = start.elapsed();
    let start = Instant::now();
    engine.store().facts(Timestamp::MIN, reach(), None, 1).await?;
    let idle = start.elapsed();
    let plain = plain_read(&folder.join("courtesy.db"))?;
    println!(
        "pass over {RECEIVABLES} open receivables of {} relationships: {first:.2?}; {:.1} times a bare read of \
         their rows by SQLite ({plain:.2?}); nobody due: {idle:.2?}",
        report.relationships,
        first.as_secs_f64() / plain.as_secs_f64(),
    );
    Ok(first)
}

/// What `courtesy plan` does, against one pass over everybody.
async fn rehearse(file: &Path, now: Timestamp, pass: Duration) -> Fallible<()> {
    let start = Instant::now();
    let options = OpenOptions { business_zone: TimeZone::get("Asia/Shanghai")? };
    let rehearsal = Rehearsal::new(SqliteStore::copied(file, options)?, office(LETTERS)?, now);
    rehearsal.run_until(now + SignedDuration::from_hours(30 * 24)).await?;
    let letters = rehearsal.finish().await?.letters.len();
    let took = start.elapsed();
    println!(
        "30 days rehearsed, {letters} letters: {took:.2?}; {:.1} times one pass over everybody",
        took.as_secs_f64() / pass.as_secs_f64(),
    );
    Ok(())
}

fn reach() -> courtesy::domain::facts::Reach {
    courtesy::domain::facts::Reach {
        events_since: Timestamp::UNIX_EPOCH,
        settled_since: jiff::civil::Date::constant(2026, 1, 1),
        digests: [].into(),
    }
}

/// The yardstick: every column of the same rows, through the same library.
fn plain_read(file: &Path) -> Fallible<Duration> {
    let conn = rusqlite::Connection::open(file)?;
    let start = Instant::now();
    let mut bytes = 0;
    for table in ["customers", "receivables"] {
        let mut statement = conn.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                bytes += row.get_ref(column)?.as_str_or_null().ok().flatten().map_or(8, str::len);
            }
        }
    }
    println!("{bytes} bytes read");
    Ok(start.elapsed())
}

async fn deliver(store: &SqliteStore, clock: &VirtualClock) -> Fallible<()> {
    let sink = Sink::start().await?;
    let relay = SmtpRelay::new(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port: sink.port,
        tls: Tls::None,
        ca_file: None,
        credentials: None,
        hello: "morningstar.test".to_owned(),
        connections: COURIERS,
        rate_per_min: None,
        timeouts: Timeouts::default(),
    })?;
    let engine = Engine::new(store.clone(), relay, clock.clone(), office(LETTERS)?);
    // One letter is there already: the cap of the measured pass.
    let queued = engine.pass().await?.queued + 1;
    let start = Instant::now();
    let sent = engine.deliver().await?.letters.get("sent").copied().unwrap_or(0);
    let ours = start.elapsed();
    if sent != queued || sent == 0 {
        return Err(format!("{sent} of {queued} letters were sent").into());
    }
    let start = Instant::now();
    let status = Command::new("/usr/sbin/smtp-source")
        .args(["-s", "32", "-l", "4096", "-c", "-m", &sent.to_string()])
        .arg(format!("127.0.0.1:{}", sink.port))
        .stdout(Stdio::null())
        .status()?;
    let bare = start.elapsed();
    if !status.success() {
        return Err("smtp-source failed".into());
    }
    println!(
        "{sent} letters decided again, written, claimed, sent and recorded by {COURIERS} couriers: {:.0} a second; \
         {:.2} of smtp-source, which only sends",
        f64::from(u32::try_from(sent)?) / ours.as_secs_f64(),
        bare.as_secs_f64() / ours.as_secs_f64(),
    );
    Ok(())
}

struct Sink {
    process: Child,
    port: u16,
}

impl Sink {
    async fn start() -> Fallible<Self> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let root = Command::new("id").arg("-u").output()?.stdout == b"0\n";
        let process = Command::new("/usr/sbin/smtp-sink")
            .args(if root { &["-u", "root"][..] } else { &[] })
            .args([&format!("127.0.0.1:{port}"), "256"])
            .stderr(Stdio::null())
            .spawn()?;
        let listens = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), listens).await?;
        Ok(Self { process, port })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            drop(self.process.wait());
        }
    }
}
