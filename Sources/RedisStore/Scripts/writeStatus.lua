-- Replaces the status hash of one resource.
--
-- KEYS, ARGV 1–4  as in preludeResource.lua
-- ARGV  5 epoch  6 nonce  7… name and value of each entry
-- Returns OK, or the errors FENCED, NOTFOUND.
local refusal = fenced(ARGV[5], ARGV[6])
if refusal then return refusal end
if redis.call('EXISTS', K.desired) == 0 then return redis.error_reply('NOTFOUND ' .. kind .. '/' .. name) end
redis.call('DEL', K.status)
for index = 7, #ARGV, 2 do redis.call('HSET', K.status, ARGV[index], ARGV[index + 1]) end
return redis.status_reply('OK')
