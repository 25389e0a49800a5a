//! Tests of relay; see the module's own lines.
