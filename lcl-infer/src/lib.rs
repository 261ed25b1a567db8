//! Integer inference.
#![no_std]
