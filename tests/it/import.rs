//! Tests of import; see the module's own lines.
