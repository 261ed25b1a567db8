//! Integration tests of the workspace; the tests themselves are in `integration/`.
