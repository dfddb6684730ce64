//! Windows, labels, cursors: what to do next, as values.
