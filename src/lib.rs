#![doc = "Courtesy: payment reminders, thank-yous and check-ins by rules."]

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod letter;
pub mod problem;
pub mod relay;
pub mod store;
