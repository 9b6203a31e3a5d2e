
-- Nothing is touched: a session that has timed out is left for the next decision to end.
if standing(ARGV[3], foreign, issued) > 0 then return '\4' end
if check == 1 then
  local value = redis.call('HGET', record, ARGV[2])
  if not value or not is_live(value) then return '\4' end
  local _, _, last_us, idle, absolute_end = struct.unpack(LIVE, value)
  if ends_at(last_us, idle, absolute_end) <= now then return '\4' end
end
