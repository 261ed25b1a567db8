//! Trains, quantises and evaluates.
