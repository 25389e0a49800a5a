//! A fault of this program in one letter must not reach the others.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// It panicked.
#[derive(Debug)]
pub(super) struct Panicked;

/// The result of some work, unless it panics.
///
/// # Errors
/// [`Panicked`]; what it worked on is in no state to be used again.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// The same for work that waits.
///
/// # Errors
/// As [`contained`].
pub(super) async fn contained_future<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| match contained(|| work.as_mut().poll(context)) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}
