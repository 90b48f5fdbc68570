-- Extends the lock if it still is the caller's.
--
-- KEYS  1 lease
-- ARGV  1 holder  2 nonce  3 epoch  4 time to live in ms
-- Returns OK, or the error FENCED.
local held = redis.call('HMGET', KEYS[1], 'holder', 'nonce', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or held[3] ~= ARGV[3] then
  return redis.error_reply('FENCED ' .. (held[3] or '0'))
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], 'expiresAt', string.format('%.0f', now + tonumber(ARGV[4])))
return redis.status_reply('OK')
