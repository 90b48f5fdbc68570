-- Removes one resource and leaves a tombstone: the authority to remove what it made.
--
-- KEYS, ARGV 1–4  as in preludeResource.lua
-- ARGV  5 who  6 expected generation, "" for any
-- Returns 1, 0 if there was none, or the error CONFLICT.
local generation = redis.call('HGET', K.desired, 'generation')
if not generation then return 0 end
if ARGV[6] ~= '' and ARGV[6] ~= generation then return redis.error_reply('CONFLICT generation ' .. generation) end
redis.call('DEL', K.desired, K.applied, K.history, K.blobs, K.status)
redis.call('SREM', K.index, name)
-- An agent that is still there reports, and is known again.
if kind == 'Server' then redis.call('ZREM', K.heartbeats, name) end
redis.call('HSET', K.deleted, name, generation .. ' ' .. text(now()) .. ' ' .. ARGV[5])
if redis.call('HLEN', K.deleted) > TOMBSTONES then
  local oldest, oldest_at
  local all = redis.call('HGETALL', K.deleted)
  for index = 1, #all, 2 do
    local at = tonumber(string.match(all[index + 1], '^%d+ (%d+)') or '0')
    if not oldest_at or at < oldest_at then oldest, oldest_at = all[index], at end
  end
  redis.call('HDEL', K.deleted, oldest)
end
if kind == 'Server' then
  set_report_interval('')
  redis.call('DEL', K.labels)
end
if kind == 'Schedule' then redis.call('DEL', K.progress) end
change(kind, name, 'deleted')
return 1
