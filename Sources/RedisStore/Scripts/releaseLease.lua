-- Gives the lock up. The epoch stays, so that the next one is higher.
--
-- KEYS  1 lease
-- ARGV  1 holder  2 nonce  3 epoch
-- Returns 1, or 0 if it was not the caller's.
local held = redis.call('HMGET', KEYS[1], 'holder', 'nonce', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or held[3] ~= ARGV[3] then return 0 end
redis.call('HDEL', KEYS[1], 'holder', 'nonce', 'acquiredAt', 'expiresAt')
return 1
