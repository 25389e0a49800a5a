//! Tests of planner; see the module's own lines.
