-- Raises the fence of one shard: from now on it accepts writes of this term only.
--
-- KEYS  1 fence
-- ARGV  1 epoch  2 nonce
-- Returns OK, or the error FENCED if a newer term, or another one of the same epoch, sealed it before.
local fence = redis.call('HMGET', KEYS[1], 'epoch', 'nonce')
local epoch = tonumber(fence[1] or '0')
if epoch > tonumber(ARGV[1]) or (fence[1] == ARGV[1] and fence[2] ~= ARGV[2]) then
  return redis.error_reply('FENCED ' .. fence[1])
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'nonce', ARGV[2])
return redis.status_reply('OK')
