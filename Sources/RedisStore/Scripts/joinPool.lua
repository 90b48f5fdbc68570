-- A server takes from a pool from now on.
--
-- KEYS  1 pools of the server  2 its wake list
-- ARGV  1 pool  2 how many it may take from
-- Returns 1, or 0 if it takes from as many others already.
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return 1 end
if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('LPUSH', KEYS[2], '1')
redis.call('LTRIM', KEYS[2], 0, 0)
return 1
