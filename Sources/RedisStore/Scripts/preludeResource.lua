-- Prelude of every script that works on one resource.
--
-- KEYS  1 changes  2 fence  3 refused  4 events  5 desired  6 applied  7 index  8 deleted  9 history  10 blobs  11 status
--       12 heartbeats
--       13 interval, 14 assignments, 15 wake and 16 labels of the server of that name, for a Server
--       17 how far the Schedule of that name has come, for a Schedule
-- ARGV  1 channel for hints  2 shard  3 kind  4 name; a script's own follow from 5
local K = {
  changes = KEYS[1], fence = KEYS[2], refused = KEYS[3], events = KEYS[4], desired = KEYS[5], applied = KEYS[6],
  index = KEYS[7], deleted = KEYS[8], history = KEYS[9], blobs = KEYS[10], status = KEYS[11],
  heartbeats = KEYS[12],
  interval = KEYS[13], assignments = KEYS[14], wake = KEYS[15], labels = KEYS[16],
  progress = KEYS[17],
}
local channel, shard, kind, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- The `config:` entries of the desired hash as they are now, by name.
local function config_entries()
  local entries = {}
  for _, field in ipairs(redis.call('HKEYS', K.desired)) do
    if string.sub(field, 1, 7) == 'config:' then
      entries[string.sub(field, 8)] = redis.call('HGET', K.desired, field)
    end
  end
  return entries
end

-- The names and values of a flat list, from one index on.
local function pairs_from(list, first, count)
  local map = {}
  for index = first, first + 2 * count - 2, 2 do map[list[index]] = list[index + 1] end
  return map
end

local function same(left, right)
  for key, value in pairs(left) do if right[key] ~= value then return false end end
  for key in pairs(right) do if left[key] == nil then return false end end
  return true
end

local function applied_entries()
  local flat = redis.call('HGETALL', K.applied)
  return pairs_from(flat, 1, #flat / 2)
end

-- Makes the `config:` entries these and no others.
local function write_config(entries)
  for key in pairs(config_entries()) do
    if entries[key] == nil then redis.call('HDEL', K.desired, 'config:' .. key) end
  end
  for key, value in pairs(entries) do redis.call('HSET', K.desired, 'config:' .. key, value) end
end
