//! Work that all processors share.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// The same done to all of them, in their order, by as many at once as there
/// are processors; `few` are not worth a thread. Where none can be had, it
/// takes longer. A panic in the work goes on in here.
pub(crate) fn shared_out<T: Sync, A: Send>(all: &[T], few: usize, work: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let hands = thread::available_parallelism().map_or(1, NonZero::get);
    let share = all.len().div_ceil(hands).max(few).max(1);
    let work = &|part: &[T]| part.iter().map(&work).collect::<Vec<A>>();
    let (own, others) = all.split_at(share.min(all.len()));
    thread::scope(|scope| {
        let begin = |part| (part, thread::Builder::new().spawn_scoped(scope, move || work(part)));
        let others: Vec<_> = others.chunks(share).map(begin).collect();
        let mut done = work(own);
        for (part, hand) in others {
            done.extend(match hand {
                Ok(hand) => hand.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => work(part),
            });
        }
        done
    })
}
