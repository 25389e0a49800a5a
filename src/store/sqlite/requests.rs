//! How a method reaches the connection that it needs.

use super::SqliteStore;
use super::rows::Fault;
use super::worker::{Desk, Worker};
use crate::store::StoreError;

impl SqliteStore {
    pub(super) fn reader(&self) -> &Worker {
        self.inner.reader.as_ref().unwrap_or(&self.inner.writer)
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reader().shared(doing, work).await
    }

    /// Writes anything.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_letters(doing, |desk| {
            desk.drop_readings();
            work(desk)
        })
        .await
    }

    /// Writes nothing that facts are read from, but for letters.
    pub(super) async fn write_letters<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.shared(doing, work).await
    }

    /// Writes much at once.
    pub(super) async fn whole<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.whole_letters(doing, |desk| {
            desk.drop_readings();
            work(desk)
        })
        .await
    }

    /// Writes much at once, and nothing that facts are read from, but for
    /// letters.
    pub(super) async fn whole_letters<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.whole(doing, work).await
    }
}
