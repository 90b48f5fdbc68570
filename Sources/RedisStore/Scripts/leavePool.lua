-- A server takes from a pool no longer; one that nobody takes from and that holds nothing is forgotten.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 server
redis.call('SREM', K.members, ARGV[4])
redis.call('ZREM', K.idle, ARGV[4])
if redis.call('SCARD', K.members) == 0 and redis.call('EXISTS', K.jobs) == 0 then redis.call('SREM', K.pools, name) end
return redis.status_reply('OK')
