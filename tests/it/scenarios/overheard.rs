//! What the log says of letters that are not written, as a person reads it
//! who tails it with `--verbose`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

/// Why one candidate is not written to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    pub rule: String,
    pub stage: String,
    pub customer: String,
    /// What the subject is: a receivable, a payment, an event, a customer.
    pub kind: String,
    /// Its number.
    pub about: String,
    pub reason: String,
    /// Whether the log says it without `--verbose`.
    pub aloud: bool,
}

thread_local! {
    // One scenario plays on one thread; what other tests say is not heard.
    static HEARD: RefCell<Option<Vec<Said>>> = const { RefCell::new(None) };
}

/// Begins to listen on this thread.
pub fn listen() {
    static EAR: Once = Once::new();
    EAR.call_once(|| {
        let ear = Registry::default().with(Ear.with_filter(LevelFilter::DEBUG));
        tracing::subscriber::set_global_default(ear).expect("nobody else in these tests listens");
    });
    HEARD.set(Some(Vec::new()));
}

/// What was said since it was last asked.
pub fn take() -> Vec<Said> {
    HEARD.with_borrow_mut(|heard| heard.as_mut().map(std::mem::take).unwrap_or_default())
}

struct Ear;

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        HEARD.with_borrow_mut(|heard| {
            let Some(heard) = heard else { return };
            let mut fields = Fields::default();
            event.record(&mut fields);
            let mut field = |name: &str| fields.0.remove(name).unwrap_or_default();
            let message = field("message");
            // Letters of the outbox have a number, and are looked up there.
            if !matches!(message.as_str(), "not sent" | "not due") || !field("letter").is_empty() {
                return;
            }
            let about = field("about");
            let (kind, about) = about.split_once(':').unwrap_or(("", &about));
            heard.push(Said {
                rule: field("rule"),
                stage: field("stage"),
                customer: field("customer"),
                kind: kind.to_owned(),
                about: about.to_owned(),
                reason: field("reason"),
                aloud: *event.metadata().level() <= Level::INFO,
            });
        });
    }
}
