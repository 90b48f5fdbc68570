-- Writes one resource: a new generation if it differs from what is there or its entries were edited by hand.
--
-- KEYS, ARGV 1–4  as in preludeResource.lua
-- ARGV  5 applied or edited  6 epoch, 7 nonce (of the leader, for edited)  8 expected generation, "" for any, 0 for none
--       9 digest  10 canonical manifest  11 who  12 of a Server: milliseconds between reports, or ""  13 of a Server: its
--       labels, or ""  14 number of config entries, name and value of each, number of blobs that it needs, the digest
--       of each, number of contents that are sent along, digest and content of each
-- Returns {created | configured | unchanged, generation}, or the errors FENCED, NOTFOUND, CONFLICT, MISSINGBLOB.
local what, expected, digest, spec, person = ARGV[5], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local is_edit = what == 'edited'
if is_edit then
  local refusal = fenced(ARGV[6], ARGV[7])
  if refusal then return refusal end
end
local index = 14
local count = tonumber(ARGV[index])
local config = pairs_from(ARGV, index + 1, count)
index = index + 1 + 2 * count
local needed = {}
for offset = 1, tonumber(ARGV[index]) do needed[offset] = ARGV[index + offset] end
index = index + 1 + #needed
local contents = pairs_from(ARGV, index + 1, tonumber(ARGV[index]))

local before = redis.call('HMGET', K.desired, 'generation', 'digest', 'spec')
if is_edit and not before[1] then return redis.error_reply('NOTFOUND ' .. kind .. '/' .. name) end
if expected ~= '' and expected ~= (before[1] or '0') then
  return redis.error_reply('CONFLICT ' .. (before[1] and 'generation ' .. before[1] or 'nothing'))
end
local entries = config_entries()
if is_edit and not same(entries, config) then return redis.error_reply('CONFLICT other config entries') end
if not is_edit and before[2] == digest and before[3] == spec and same(entries, applied_entries()) then
  -- One that an older program applied is told of now.
  if kind == 'Server' then
    set_report_interval(ARGV[12])
    set_labels(ARGV[13])
  end
  return { 'unchanged', tonumber(before[1]) }
end
for _, blob in ipairs(needed) do
  if not contents[blob] and redis.call('HEXISTS', K.blobs, blob) == 0 then
    return redis.error_reply('MISSINGBLOB ' .. blob)
  end
end

local at = text(now())
local tombstone = redis.call('HGET', K.deleted, name)
local last = tombstone and tonumber(string.match(tombstone, '^%d+')) or 0
-- A number that somebody's hand has damaged is known from the history.
local newest = redis.call('XREVRANGE', K.history, '+', '-', 'COUNT', 1)[1]
if newest then last = math.max(last, tonumber(newest[2][2]) or 0) end
local generation = text(math.max(tonumber(before[1] or '') or 0, last) + 1)
redis.call('HSET', K.desired, 'generation', generation, 'digest', digest, 'spec', spec, 'appliedBy', person,
  'appliedAt', at)
write_config(config)
redis.call('DEL', K.applied)
for key, value in pairs(config) do redis.call('HSET', K.applied, key, value) end
redis.call('SADD', K.index, name)
redis.call('HDEL', K.deleted, name)
redis.call('XADD', K.history, 'MAXLEN', HISTORY_ENTRIES, '*', 'generation', generation, 'digest', digest, 'spec', spec,
  'by', person, 'at', at, 'what', what)

-- Contents that no kept manifest names any more go.
for blob, content in pairs(contents) do redis.call('HSET', K.blobs, blob, content) end
local history = redis.call('XRANGE', K.history, '-', '+')
for _, blob in ipairs(redis.call('HKEYS', K.blobs)) do
  local is_named = false
  for _, entry in ipairs(history) do
    if string.find(entry[2][6], blob, 1, true) then is_named = true end
  end
  if not is_named then redis.call('HDEL', K.blobs, blob) end
end
if kind == 'Server' then
  set_report_interval(ARGV[12])
  set_labels(ARGV[13])
end
change(kind, name, what)
return { before[1] and 'configured' or 'created', tonumber(generation) }
