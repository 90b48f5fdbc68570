-- Forgets ended jobs, with their results and output.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 how many at most  5… ids; none: whatever ended first
-- Returns how many were forgotten.
local ids = {}
if #ARGV > 4 then
  for index = 5, #ARGV do
    if redis.call('ZSCORE', K.ended, ARGV[index]) then ids[#ids + 1] = ARGV[index] end
  end
else
  ids = redis.call('ZRANGE', K.ended, 0, tonumber(ARGV[4]) - 1)
end
if #ids > 0 then
  redis.call('ZREM', K.ended, unpack(ids))
  redis.call('HDEL', K.tries, unpack(ids))
  forget(ids)
end
-- A pool that nobody takes from and that holds nothing is forgotten.
if is_pool and redis.call('SCARD', K.members) == 0 and redis.call('EXISTS', K.jobs) == 0 then
  redis.call('SREM', K.pools, name)
end
return #ids
