//! Tests of store; see the module's own lines.
