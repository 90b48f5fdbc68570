-- A person agrees to remove instances beyond the limit, for one generation.
--
-- KEYS, ARGV 1–4  as in preludeResource.lua
-- ARGV  5 generation
-- Returns OK, or the errors NOTFOUND, CONFLICT.
local generation = redis.call('HGET', K.desired, 'generation')
if not generation then return redis.error_reply('NOTFOUND ' .. kind .. '/' .. name) end
if generation ~= ARGV[5] then return redis.error_reply('CONFLICT generation ' .. generation) end
redis.call('HSET', K.desired, 'removalConfirmed', generation)
change(kind, name, 'confirmed')
return redis.status_reply('OK')
