//! One set of charts, as SVG.
