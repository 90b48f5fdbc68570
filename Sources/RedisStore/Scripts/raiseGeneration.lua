-- Gives a manifest that is older than what its servers know a generation above that: a person goes on with it.
--
-- KEYS, ARGV 1–4  as in preludeResource.lua
-- ARGV  5 generation  6 the highest one that its servers know  7 who
-- Returns the new generation, or the errors NOTFOUND, CONFLICT.
local now_there = redis.call('HMGET', K.desired, 'generation', 'digest', 'spec')
if not now_there[1] then return redis.error_reply('NOTFOUND ' .. kind .. '/' .. name) end
if now_there[1] ~= ARGV[5] then return redis.error_reply('CONFLICT generation ' .. now_there[1]) end
local at = text(now())
local generation = text(math.max(tonumber(now_there[1]) or 0, tonumber(ARGV[6])) + 1)
redis.call('HSET', K.desired, 'generation', generation, 'appliedBy', ARGV[7], 'appliedAt', at)
redis.call('XADD', K.history, 'MAXLEN', HISTORY_ENTRIES, '*', 'generation', generation, 'digest', now_there[2] or '',
  'spec', now_there[3] or '', 'by', ARGV[7], 'at', at, 'what', 'raised')
change(kind, name, 'raised')
return tonumber(generation)
