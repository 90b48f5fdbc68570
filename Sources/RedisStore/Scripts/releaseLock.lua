-- Gives a lock of people's scripts up. Its epoch stays, so that the next one is higher, and when it was last begun.
--
-- KEYS  1 lock
-- ARGV  1 nonce  2 epoch  3 ms until it is forgotten
-- Returns 1, or 0 if it was not the caller's.
local held = redis.call('HMGET', KEYS[1], 'nonce', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'nonce', 'expiresAt')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
