//! Tests of black_box; see the module's own lines.
