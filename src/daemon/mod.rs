//! The loops; the only clock.
