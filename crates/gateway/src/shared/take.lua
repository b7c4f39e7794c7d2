-- Takes one token of the bucket KEYS[1]; returns 0, or the microseconds until there is one. The key holds the moment at which the
-- bucket is full again, as bucket.rs does; ARGV: microseconds for one token, and for all of them.
local interval, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- A clock that was set back must not keep the tenant out: nothing is fuller than empty.
local full_at = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now), now + capacity)
local wait = full_at + interval - now - capacity
if wait > 0 then
  return wait
end
full_at = full_at + interval
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0
