-- Resources of one shard whose `config:` entries are not those that were applied. Reads only.
--
-- KEYS  for each kind its index
-- ARGV  for each kind: its name, prefix of its desired hashes, prefix of its applied entries
-- Returns kind and name of each, in turn.
local function is_edited(desired, applied)
  local count = 0
  for _, field in ipairs(redis.call('HKEYS', desired)) do
    if string.sub(field, 1, 7) == 'config:' then
      count = count + 1
      if redis.call('HGET', desired, field) ~= redis.call('HGET', applied, string.sub(field, 8)) then return true end
    end
  end
  return count ~= redis.call('HLEN', applied)
end

local edited = {}
for number, index in ipairs(KEYS) do
  local kind, desired, applied = ARGV[3 * number - 2], ARGV[3 * number - 1], ARGV[3 * number]
  for _, name in ipairs(redis.call('SMEMBERS', index)) do
    if redis.call('EXISTS', desired .. name) == 1 and is_edited(desired .. name, applied .. name) then
      edited[#edited + 1] = kind
      edited[#edited + 1] = name
    end
  end
end
return edited
