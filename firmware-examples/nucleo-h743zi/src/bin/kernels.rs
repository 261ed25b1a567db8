//! Runs [`shared::kernels`] on this board.
#![no_std]
#![no_main]

physical::program!(nucleo_h743zi::NucleoH743Zi, shared::kernels);
