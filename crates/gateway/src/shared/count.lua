-- Counts one wrong credential for each of KEYS; returns 0, or the milliseconds until the last window over the limit ends.
-- ARGV: the limit, and the window in milliseconds.
local wait = 0
for _, key in ipairs(KEYS) do
  local count = redis.call('INCR', key)
  if count == 1 then
    redis.call('PEXPIRE', key, ARGV[2])
  end
  if count > tonumber(ARGV[1]) then
    wait = math.max(wait, redis.call('PTTL', key))
  end
end
return wait
