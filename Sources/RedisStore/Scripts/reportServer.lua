-- Writes what the monitor saw: changed values, the heartbeat, and a feed entry if more than measurements changed.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 identity of the agent, or ''  6 "1": these are all values  7 number of measurements  8 number of other values
--       9… name and value of each, the measurements first
-- Returns the revision, or the error CONFLICT if another agent stands for the server.
if other_agent(ARGV[5]) then return redis.error_reply('CONFLICT ' .. OTHER_AGENT) end
local is_full, measurements = ARGV[6] == '1', tonumber(ARGV[7])
local revision = tonumber(redis.call('HGET', K.observed, 'revision') or '0')
local is_changed, is_news = revision == 0, revision == 0
local given = { revision = true }
for number = 1, measurements + tonumber(ARGV[8]) do
  local name, value = ARGV[7 + 2 * number], ARGV[8 + 2 * number]
  given[name] = true
  if redis.call('HGET', K.observed, name) ~= value then
    redis.call('HSET', K.observed, name, value)
    is_changed = true
    if number > measurements then is_news = true end
  end
end
if is_full then
  for _, name in ipairs(redis.call('HKEYS', K.observed)) do
    if not given[name] then
      redis.call('HDEL', K.observed, name)
      is_changed = true
      if not MEASUREMENTS[string.match(name, '^[^:]*')] then is_news = true end
    end
  end
end
-- One that was not known, or not any more, is.
if redis.call('ZADD', K.heartbeats, text(now()), server) == 1 then is_news = true end
if is_changed then
  revision = revision + 1
  redis.call('HSET', K.observed, 'revision', revision)
end
if is_news then change('server', server, 'observed') end
return revision
