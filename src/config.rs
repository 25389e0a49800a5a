//! What people wrote in YAML, read once and checked whole.
//!
//! A file becomes a tree in which every value knows its place (`yaml`), the
//! tree becomes a shape with all its keys known (`read`, `*_shape`), and the
//! shape becomes the settings and rules of those who use them. Every step
//! notes what is wrong and goes on, so that all problems are shown at once.
//!
//! Invariant: only `main` and `cli` know this module; the settings types
//! belong to those who use them.

mod anchor;
mod calendar;
mod courtesy_shape;
mod example;
mod filter;
mod forms;
mod guards;
mod hours;
mod mail;
mod monitoring;
mod read;
mod retention;
mod rule;
mod rule_shape;
mod rules;
mod scalars;
mod schema;
mod settings;
mod source;
mod stage;
mod testimonials;
mod together;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use self::courtesy_shape::{Addresses, RawCourtesy, RawSecret, RawStore};
use self::forms::Spot;
use self::mail::Surroundings;
use self::read::{Read as _, Reader};
use self::source::Source;
use self::yaml::Node;
use crate::domain::calendar::Calendars;
use crate::domain::ids::RuleName;
use crate::domain::rule::Rule;
use crate::domain::settings::Settings;
use crate::letter::{MailSettings, Testimonial};
use crate::problem::{Place, Problem, Severity};
use crate::relay::Deliver;
use crate::web::Watched;

pub use self::calendar::CalendarEnd;
pub use self::courtesy_shape::Restart;
pub use self::rule::TemplateUse;
pub use self::schema::{YamlFile, schema};

/// What the log shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogSettings {
    /// Whether addresses are shown as `c***@e***.com`.
    pub mask_addresses: bool,
}

/// Everything that was configured, checked. Paths are resolved against the
/// folder of `courtesy.yaml`; those of the store and of files of letters
/// against `data_dir`.
#[derive(Clone, Debug)]
pub struct Config {
    /// `courtesy.yaml` itself.
    pub file: PathBuf,
    /// The business and its limits.
    pub settings: Settings,
    /// The rules, in the order of their names.
    pub rules: Vec<Rule>,
    /// The file of each rule.
    pub rule_files: BTreeMap<RuleName, PathBuf>,
    /// The SHA-256 of each rule's content, in hexadecimal; layout, comments
    /// and the order of keys make no difference.
    pub fingerprints: BTreeMap<RuleName, String>,
    /// Who signs the letters.
    pub mail: MailSettings,
    /// Where letters are handed over. The error is that the password can't
    /// be read here and now: only what delivers needs to stop for it, as it
    /// may be readable for the service alone.
    pub deliver: Result<Deliver, Problem>,
    /// The file that holds the durable state.
    pub store: PathBuf,
    /// The folder of everything that Courtesy itself writes.
    pub data_dir: PathBuf,
    /// The folder of the templates.
    pub templates: PathBuf,
    /// What customers say, for letters that show it.
    pub testimonials: Vec<Testimonial>,
    /// Every place where a rule names a template.
    pub template_uses: Vec<TemplateUse>,
    /// The share of what is open that an import may change, 0 to 1.
    pub import_share: f64,
    /// What the log shows.
    pub log: LogSettings,
    /// How it is watched.
    pub monitoring: Watched,
    /// How far each calendar reaches.
    pub calendar_ends: Vec<CalendarEnd>,
    /// What works, but probably not as meant; sorted like the errors.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// What depends on the day: calendars that end, and pairs of them that
    /// leave no day to write on.
    #[must_use]
    pub fn problems_on(&self, today: Date) -> Vec<Problem> {
        let mut problems = self.calendar_warnings(today);
        problems.extend(hours::never_open(self, today));
        problems
    }

    /// A warning for each calendar that ends within 60 days of `today`.
    #[must_use]
    pub fn calendar_warnings(&self, today: Date) -> Vec<Problem> {
        self.calendar_ends.iter().filter_map(|end| end.warning(today)).collect()
    }
}

/// The file to load: what `--config` or `COURTESY_CONFIG` named (a folder
/// means the `courtesy.yaml` in it), else `config/courtesy.yaml`, else
/// `/etc/courtesy/courtesy.yaml`.
///
/// # Errors
/// A problem that names the places where nothing was found.
pub fn find(named: Option<&Path>) -> Result<PathBuf, Problem> {
    const PLACES: [&str; 2] = ["config/courtesy.yaml", "/etc/courtesy/courtesy.yaml"];
    if let Some(named) = named {
        let file = if named.is_dir() { named.join("courtesy.yaml") } else { named.to_path_buf() };
        if file.is_file() {
            return Ok(file);
        }
        return Err(Problem::error(file, "there is no such file")
            .hint("give the path of a courtesy.yaml, or of the folder it is in"));
    }
    PLACES.iter().map(PathBuf::from).find(|file| file.is_file()).ok_or_else(|| {
        Problem::error("courtesy.yaml", format!("is neither {} nor {}", PLACES[0], PLACES[1]))
            .hint("name it with --config or COURTESY_CONFIG, or start a new one with `courtesy init DIR`")
    })
}

/// Reads `courtesy.yaml`, the calendars and all rules. `environment` gives
/// the environment variable of a name; it is asked for the one password.
///
/// # Errors
/// Every problem, warnings included, sorted by file and place. At least one
/// of them is an error.
pub fn load(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<Problem>> {
    let mut problems = Vec::new();
    let config = load_all(file, environment, &mut problems);
    problems.sort_by(|a, b| (&a.file, start(a), &a.message).cmp(&(&b.file, start(b), &b.message)));
    match config {
        Some(config) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok(Config { warnings: problems, ..config })
        }
        Some(_) | None => Err(problems),
    }
}

/// Where the value at the end of a path of keys stands in a file, or the last
/// key of the path that is there.
#[must_use]
pub fn place_of(file: &Path, keys: &[&str]) -> Option<Place> {
    let source = Source::read(file).ok()?;
    let node = yaml::parse(&source, &mut Vec::new())?;
    Some(source.place(&node.nearest_to(keys)?))
}

fn start(problem: &Problem) -> usize {
    problem.place.as_ref().map_or(0, |place| place.span.0)
}

fn load_all(
    file: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) -> Option<Config> {
    let source = Source::read(file).map_err(|problem| problems.push(problem)).ok()?;
    let node = yaml::parse(&source, problems)?;
    let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
    // Found before the keys are checked, so that a slip in courtesy.yaml
    // does not hide the problems of the rules and calendars.
    let rules = rules::load(&folder.join(path_at(&node, &["rules"], "rules")), problems);
    let mut calendar_ends = Vec::new();
    let calendars = node.text_at(&["business", "calendar"]).map_or_else(Calendars::default, |(path, _)| {
        calendar::load(&folder.join(path), &mut calendar_ends, problems)
    });
    let testimonials = node
        .text_at(&["testimonials"])
        .map_or_else(Vec::new, |(path, _)| testimonials::load(&folder.join(path), problems));
    let mut reader = Reader { source: &source, problems };
    let raw = RawCourtesy::read(&node, &mut reader)?;
    if node.text_at(&["business", "timezone"]).is_none() {
        let hint = "add `timezone: …`, like Asia/Shanghai; schedules and hours are read in it";
        reader.warning(&raw.business.name.at, "`business` has no `timezone`, so UTC is used", hint);
    }
    let mut config = assemble(&raw, &folder, calendars, environment, &mut reader);
    config.calendar_ends = calendar_ends;
    config.testimonials = testimonials;
    together::check(&rules, &config.settings, reader.problems);
    for loaded in rules {
        config.rule_files.insert(loaded.rule.name.clone(), loaded.source.file);
        config.fingerprints.insert(loaded.rule.name.clone(), fingerprint(&loaded.canonical));
        config.template_uses.extend(loaded.templates);
        config.rules.push(loaded.rule);
    }
    Some(config)
}

fn path_at<'n>(node: &'n Node, keys: &[&str], default: &'n str) -> &'n str {
    node.text_at(keys).map_or(default, |(path, _)| path)
}

fn assemble(
    raw: &RawCourtesy,
    folder: &Path,
    calendars: Calendars,
    environment: &dyn Fn(&str) -> Option<String>,
    reader: &mut Reader<'_>,
) -> Config {
    let path = |given: &Option<Spot<PathBuf>>, default: &str| {
        folder.join(given.as_ref().map_or(Path::new(default), |path| &path.value))
    };
    let data_dir = path(&raw.data_dir, "../data");
    let around = Surroundings { folder, data_dir: &data_dir, environment };
    let deliver = mail::deliver(&raw.mail, &around, reader);
    if let Err(problem) = &deliver {
        reader.problems.push(Problem { severity: Severity::Warning, ..problem.clone() });
    }
    example::warn(raw, reader);
    let addresses = raw.log.as_ref().and_then(|log| log.addresses.as_ref());
    Config {
        file: reader.source.file.clone(),
        settings: Settings {
            business: settings::business(&raw.business, &raw.people, calendars),
            letters: settings::letters(raw.letters.as_ref(), reader),
            dunning: settings::dunning(raw.dunning.as_ref(), reader),
            promises: settings::promises(raw.promises.as_ref(), reader),
            limitation: settings::limitation(raw.limitation.as_ref(), reader),
            max_data_age: settings::max_data_age(raw.max_data_age.as_ref(), reader),
            guards: guards::guards(raw.guards.as_ref(), reader),
            on_uncertain: settings::on_uncertain(raw.mail.on_uncertain.as_ref()),
            bodies_kept: retention::bodies(raw.retention.as_ref(), reader),
        },
        rules: Vec::new(),
        rule_files: BTreeMap::new(),
        fingerprints: BTreeMap::new(),
        mail: mail::letters(&raw.mail, path(&raw.attachments, "../attachments"), reader),
        deliver,
        store: data_dir.join(store_file(raw.store.as_ref(), reader)),
        templates: path(&raw.templates, "../templates"),
        testimonials: Vec::new(),
        template_uses: Vec::new(),
        import_share: settings::import_share(raw.import.as_ref().and_then(|raw| raw.share.as_ref()), reader),
        log: LogSettings { mask_addresses: settings::or(addresses, Addresses::Masked) == Addresses::Masked },
        monitoring: monitoring::watched(raw.monitoring.as_ref(), reader),
        calendar_ends: Vec::new(),
        warnings: Vec::new(),
        data_dir,
    }
}

fn store_file(raw: Option<&RawStore>, reader: &mut Reader<'_>) -> PathBuf {
    match raw {
        Some(RawStore::Sqlite(file)) => return file.value.clone(),
        Some(RawStore::Postgres(postgres)) => {
            let at = match &postgres.url {
                RawSecret::Credential(name) | RawSecret::Env(name) => &name.at,
                RawSecret::File(file) => &file.at,
            };
            let hint = "write `store: { sqlite: courtesy.db }`";
            reader.error(at, "PostgreSQL can't be used yet", hint);
        }
        None => {}
    }
    PathBuf::from("courtesy.db")
}

fn fingerprint(canonical: &str) -> String {
    let digest = Sha256::digest(canonical.as_bytes());
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| char::from(b"0123456789abcdef"[usize::from(half)])).collect()
}
