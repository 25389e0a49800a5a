//! The conformance suite of the stores: every promise of `trait Store`, kept
//! by a file and by memory alike; and what only a file can get wrong.

mod digests;
mod facts;
mod files;
mod forgetting;
mod letters;
mod recording;
mod returns;
mod tidying;
pub mod world;
