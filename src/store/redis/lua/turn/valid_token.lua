-- The common case, without functions and further reads: `deny` is 0 for a valid token, and nil if credential_reasons must decide.
local deny = nil
if with_key == 0 then
  local found = redis.call('HMGET', record, '.', ARGV[2], ARGV[3])
  local head, value = found[1], found[2]
  if head and #head == HEAD_LENGTH and not found[3] then
    local _, _, _, _, _, epoch_gen, epoch_before, epoch_until, block, _, round = struct.unpack(HEAD, head)
    if block <= now
      and (epoch_until + SLACK <= now or (foreign == ISSUED_HERE and issued > epoch_gen) or (foreign == ISSUED_FOREIGN and issued >= epoch_before))
    then
      if check == 0 then
        deny = 0
      elseif value and #value == LIVE_LENGTH and string.byte(value) == SESSION then
        local _, _, last_us, idle, absolute_end, its_round = struct.unpack(LIVE, value)
        if its_round == round and math.floor(last_us / THOUSAND) + idle > now and absolute_end > now then deny = 0 end
      end
    end
  end
end
