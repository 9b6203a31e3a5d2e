//! Sweeps of a sharded map, one shard at a time.

use dashmap::DashMap;
use std::hash::Hash;

/// Drops the entries of one shard for which `is_over` returns true. Returns how many it dropped.
pub(crate) fn sweep_shard<K: Eq + Hash, V>(
    map: &DashMap<K, V, ahash::RandomState>,
    shard: usize,
    mut is_over: impl FnMut(&K, &mut V) -> bool,
) -> usize {
    let hasher = map.hasher();
    let mut table = map.shards()[shard].write();
    let before = table.len();
    // SAFETY: the write lock of the shard is held, so no other thread sees the table. `iter` does not outlive
    // a bucket that is used after its `erase`. The table's own `retain` also erases the bucket that was just
    // yielded.
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
