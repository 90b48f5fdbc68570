-- Extends a lock of people's scripts if it still is the caller's.
--
-- KEYS  1 lock  2 locks of the shard
-- ARGV  1 name  2 nonce  3 epoch  4 time to live in ms  5 ms until it is forgotten
-- Returns OK, or the error FENCED.
local held = redis.call('HMGET', KEYS[1], 'nonce', 'epoch')
if held[1] ~= ARGV[2] or held[2] ~= ARGV[3] then return redis.error_reply('FENCED ' .. (held[2] or '0')) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], 'expiresAt', string.format('%.0f', now + tonumber(ARGV[4])))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[1])
return redis.status_reply('OK')
