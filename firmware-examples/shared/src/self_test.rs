//! The blob's golden vector, on the board.

use crate::features::open;
use crate::{Board, Failure};

/// Runs the golden vector that the blob carries: the whole chain from rows to
/// features gives the bytes that the host computed.
///
/// # Errors
///
/// Returns which part of the chain differs.
pub fn self_test<B: Board>(board: &mut B, memory: &mut [u8]) -> Result<(), Failure<B::Error>> {
    let blob = open(board)?;
    defmt::info!("kernels: {=str}", lcl_infer::kernels::active().name);
    lcl_infer::self_test(&blob, memory).map_err(Failure::SelfTest)?;
    defmt::info!("self-test passed");
    Ok(())
}
