//! Random bytes for ids, keys and tokens, from the operating system. The generator of the crypto library first
//! gathers entropy by timing the processor. Its first caller waits for about 30 ms.

use crate::core::base::error::Fault;

/// Returns random bytes.
///
/// # Errors
/// `ERR_LATCHGATE_STORE_UNAVAILABLE` if the system returns no random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Fault::unavailable("the system gives no random numbers"))?;
    Ok(bytes)
}
