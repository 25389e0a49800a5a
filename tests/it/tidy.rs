//! Tests of tidy; see the module's own lines.
