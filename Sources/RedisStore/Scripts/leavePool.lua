-- A server takes from a pool no longer.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 server
redis.call('SREM', K.members, ARGV[4])
redis.call('ZREM', K.idle, ARGV[4])
redis.call('HDEL', K.epochs, ARGV[4])
return redis.status_reply('OK')
