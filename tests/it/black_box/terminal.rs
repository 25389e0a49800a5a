//! The program on a terminal, by `script` of util-linux.

use std::path::Path;
use std::process::{Command, Stdio};

/// What stdout shows on a terminal of so many columns.
pub fn shown_on(dir: &Path, columns: u16, arguments: &str) -> String {
    let program = env!("CARGO_BIN_EXE_courtesy");
    typed(dir, &format!("stty rows 30 cols {columns}; {program} {arguments} 2>/dev/null"))
}

/// What a terminal shows of a line for the shell.
pub fn typed(dir: &Path, line: &str) -> String {
    let output = Command::new("script")
        .args(["-qefc", line, "/dev/null"])
        .current_dir(dir)
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("COURTESY_CONFIG")
        .stdin(Stdio::null())
        .output()
        .expect("script, of util-linux, is there");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8").replace('\r', "")
}
