-- Sets the `config:` entries back to what was applied last, and says why.
--
-- KEYS, ARGV 1–4  as in preludeResource.lua
-- ARGV  5 epoch  6 nonce  7–11 event (at, severity, subject, reason, message)  12 number of entries, name and value of each
-- Returns OK, or the errors FENCED, NOTFOUND, CONFLICT.
local refusal = fenced(ARGV[5], ARGV[6])
if refusal then return refusal end
local generation = redis.call('HGET', K.desired, 'generation')
if not generation then return redis.error_reply('NOTFOUND ' .. kind .. '/' .. name) end
local config = pairs_from(ARGV, 13, tonumber(ARGV[12]))
if not same(config, applied_entries()) then return redis.error_reply('CONFLICT generation ' .. generation) end
write_config(config)
add_events(7, 1)
change(kind, name, 'edited')
return redis.status_reply('OK')
