-- How far a Schedule has come.
--
-- KEYS  1 fence  2 refused  3 state
-- ARGV  1 epoch  2 nonce  3 the state as JSON
-- Returns OK, or the error FENCED.
local refusal = fenced(ARGV[1], ARGV[2])
if refusal then return refusal end
-- What somebody's hand put in its place goes.
if redis.call('TYPE', KEYS[3]).ok ~= 'hash' then redis.call('DEL', KEYS[3]) end
redis.call('HSET', KEYS[3], 'state', ARGV[3])
return redis.status_reply('OK')
