-- How far Schedules of one shard have come.
--
-- KEYS  1 fence  2 refused  3… states
-- ARGV  1 epoch  2 nonce  3… the states as JSON, in the order of their keys
-- Returns OK, or the error FENCED.
local refusal = fenced(ARGV[1], ARGV[2])
if refusal then return refusal end
for index = 3, #KEYS do
  -- What somebody's hand put in its place goes.
  if redis.call('TYPE', KEYS[index]).ok ~= 'hash' then redis.call('DEL', KEYS[index]) end
  redis.call('HSET', KEYS[index], 'state', ARGV[index])
end
return redis.status_reply('OK')
