//! Tests of letters; see the module's own lines.
