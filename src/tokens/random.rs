//! Randomness for ids, keys and tokens: the system's own. The crypto library's generator would first gather entropy by timing
//! the processor, for which the first caller waits some 30 ms.

use crate::core::base::error::Fault;

/// Random bytes.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` where the system gives none.
pub fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Fault::unavailable("the system gives no random numbers"))?;
    Ok(bytes)
}
