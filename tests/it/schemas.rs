//! What an editor is told of the YAML files: `init` leads it there, an
//! independent validator takes every shipped file, and refuses what `check`
//! refuses.

use std::fs;
use std::path::{Path, PathBuf};

use courtesy::cli::Verdict;
use courtesy::cli::screen::Look;
use courtesy::config::{YamlFile, schema};
use serde_json::Value;

use crate::support::{command, repository};

const NOW: &str = "2026-10-01T02:00:00Z";

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::draft7::new(schema).expect("a schema")
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("YAML")
}

/// Every YAML file below a folder.
fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { yaml_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect()
}

#[tokio::test]
async fn every_file_that_init_writes_names_a_schema_that_is_there_and_takes_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let shop = dir.path().join("shop");
    let said = command(&["init", shop.to_str().expect("text")], Look::Pipe, NOW).await;
    assert_eq!(said.verdict, Verdict::Done, "{}", said.err);
    let files = yaml_files(&shop.join("config"));
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        let line = text.lines().next().expect("a line");
        let path = line.strip_prefix("# yaml-language-server: $schema=").expect("the line for editors");
        let schema = file.parent().expect("a folder").join(path);
        let schema: Value =
            serde_json::from_str(&fs::read_to_string(&schema).expect("the schema")).expect("JSON");
        let value = yaml(&text);
        let errors: Vec<String> = validator(&schema)
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
    }
}

#[tokio::test]
async fn the_schemas_of_another_version_are_told_of_and_written_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let shop = dir.path().join("shop");
    command(&["init", shop.to_str().expect("text")], Look::Pipe, NOW).await;
    let config = shop.join("config");
    let config_name = config.to_str().expect("text");
    let old = config.join("schema/rule.json");
    fs::write(&old, "{}").expect("written");
    let said = command(&["--config", config_name, "check"], Look::Pipe, NOW).await;
    assert_eq!(said.verdict, Verdict::Done, "a warning fails nothing");
    assert!(
        said.out.contains("another version") && said.out.contains("courtesy schema --write"),
        "{}",
        said.out
    );
    let strict = command(&["--config", config_name, "check", "--strict"], Look::Pipe, NOW).await;
    assert_eq!(strict.verdict, Verdict::Failed, "unless it is strict");
    let said = command(&["--config", config_name, "schema", "--write"], Look::Pipe, NOW).await;
    assert!(said.out.contains("# yaml-language-server: $schema=../schema/rule.json"), "{}", said.out);
    let printed = command(&["schema", "rule"], Look::Pipe, NOW).await;
    assert_eq!(fs::read_to_string(&old).expect("text"), printed.out);
    let said = command(&["--config", config_name, "check", "--strict"], Look::Pipe, NOW).await;
    assert_eq!(said.verdict, Verdict::Done, "{}", said.out);
}

#[test]
fn the_schema_refuses_what_check_refuses() {
    const RULE: &str = "rule: reminders\nclass: dunning\nanchor: receivable.due_on\nstages:\n  - { stage: friendly, at: +3d, template: reminder/friendly }\n";
    const COURTESY: &str =
        "business: { name: M }\npeople: { operator: it@m.example }\nmail: { from: a@m.example }\n";
    let rule = validator(&schema(YamlFile::Rule));
    assert!(rule.is_valid(&yaml(RULE)));
    for (good, wrong) in [
        ("class: dunning", "class: duning"),
        ("class: dunning", "klass: dunning"),
        ("at: +3d", "at: 3 days"),
        ("at: +3d", "att: +3d"),
        ("receivable.due_on", "receivable.due"),
        ("stages:", "not_while: [overdu]\nstages:"),
        ("stages:", "where: { kind: invioce }\nstages:"),
        ("stages:", "where: { kind: credit_note }\nstages:"),
    ] {
        let text = RULE.replace(good, wrong);
        assert!(!rule.is_valid(&yaml(&text)), "{wrong}");
    }
    let events = RULE.replace("receivable.due_on", "[event.survey]");
    assert!(rule.is_valid(&yaml(&(events + "unless: { kind: survey, outcome: [none] }\n"))));
    let courtesy = validator(&schema(YamlFile::Courtesy));
    assert!(courtesy.is_valid(&yaml(COURTESY)));
    for wrong in ["leters: {}", "store: { sqlite: a, files: b }", "letters: { hours: { form: 1 } }"] {
        assert!(!courtesy.is_valid(&yaml(&format!("{COURTESY}{wrong}\n"))), "{wrong}");
    }
    let calendar = validator(&schema(YamlFile::Calendar));
    assert!(calendar.is_valid(&yaml("weekend: [fri, sat]\nholidays: [\"2026-01-01\"]\n")));
    assert!(!calendar.is_valid(&yaml("weekends: [fri, sat]\n")));
    let testimonials = validator(&schema(YamlFile::Testimonials));
    assert!(testimonials.is_valid(&yaml("- { quote: It runs., name: Ann }\n")));
    assert!(!testimonials.is_valid(&yaml("- { quote: It runs. }\n")));
}

/// Every object with properties in a schema, with the name of where it is.
fn objects<'a>(name: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(map) => {
            if map.get("properties").is_some_and(|all| all.as_object().is_some_and(|all| !all.is_empty())) {
                found.push((name.to_owned(), value));
            }
            map.iter().for_each(|(key, value)| objects(&format!("{name}/{key}"), value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| objects(name, item, found)),
        _ => {}
    }
}

#[test]
fn every_key_is_described_in_one_line() {
    let mut keys = 0;
    for file in YamlFile::ALL {
        let mut schema = schema(file);
        // What holds only for some rules is said beside their keys.
        for key in ["if", "then"] {
            schema.as_object_mut().expect("an object").remove(key);
        }
        let mut found = Vec::new();
        objects(file.as_str(), &schema, &mut found);
        for (name, object) in found {
            for (key, property) in object["properties"].as_object().expect("keys") {
                let description = property["description"].as_str().unwrap_or_default();
                assert!(description.len() > 5, "{name}.{key} is not described");
                assert!(!description.contains('\n'), "{name}.{key}: an editor shows paragraphs");
                keys += 1;
            }
        }
    }
    assert!(keys > 90, "{keys} keys");
}

#[test]
fn every_key_of_courtesy_yaml_is_shown_in_the_shipped_file() {
    let text = fs::read_to_string(repository("config/courtesy.yaml")).expect("a file");
    let schema = schema(YamlFile::Courtesy);
    let own = schema["properties"].as_object().expect("keys").keys();
    let others = [
        "Business",
        "People",
        "Mail",
        "Letters",
        "Hours",
        "Dunning",
        "Promises",
        "Import",
        "Log",
        "Monitoring",
        "Unsubscribe",
    ]
    .into_iter()
    .flat_map(|name| schema["definitions"][name]["properties"].as_object().expect("keys").keys());
    for key in own.chain(others) {
        assert!(text.contains(&format!("{key}:")), "{key}");
    }
}
