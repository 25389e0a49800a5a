//! Tests of simulation; see the module's own lines.
