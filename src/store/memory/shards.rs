//! Going through the shards of a map, one at a time.

use dashmap::DashMap;
use std::hash::Hash;

/// Goes through one shard of a map and drops what `is_over` says is over; returns how many went.
pub(crate) fn sweep_shard<K: Eq + Hash, V>(
    map: &DashMap<K, V, ahash::RandomState>,
    shard: usize,
    mut is_over: impl FnMut(&K, &mut V) -> bool,
) -> usize {
    let hasher = map.hasher();
    let mut table = map.shards()[shard].write();
    let before = table.len();
    // SAFETY: the shard's write lock is held, so nobody else sees the table; `iter` outlives no
    // bucket that is used after its `erase`, and erasing the bucket just yielded is what the
    // table's own `retain` does.
    unsafe {
        for bucket in table.iter() {
            let (key, value) = bucket.as_mut();
            if is_over(key, value.get_mut()) {
                table.erase(bucket);
            }
        }
    }
    let left = table.len();
    if left < table.capacity() / 4 {
        table.shrink_to(left * 2, |(key, _)| hasher.hash_one(key));
    }
    before - left
}
