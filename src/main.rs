//! The `courtesy` program: arguments, log, exit code.

use std::process::ExitCode;

use courtesy::cli::screen::Screen;
use courtesy::cli::{self, Surroundings, failure, logging};
use courtesy::clock::SystemClock;

fn main() -> ExitCode {
    let cli = cli::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let mut screen = Screen::standard(cli.global.quiet);
    let _log = logging::start(&cli.global, cli.command.as_ref());
    let around = Surroundings {
        user: std::env::var("USER")
            .or_else(|_| std::env::var("LOGNAME"))
            .unwrap_or_else(|_| "unknown".into()),
    };
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(cli::run(cli, &around, SystemClock, &mut screen)));
    match done {
        Ok(verdict) => verdict.into(),
        Err(error) if failure::reader_is_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Without stderr there is nobody left to tell.
            failure::explain(&error, &mut screen).map_or(ExitCode::FAILURE, |()| ExitCode::FAILURE)
        }
    }
}
