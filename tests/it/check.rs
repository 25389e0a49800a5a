//! Tests of check; see the module's own lines.
