-- Jobs of one queue as they are stored. Reads only.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 limit  5… ids; none: the open ones that come first, then the newest of the ended ones
-- Returns of each {id, state, body, when it is due or '', claim, try, '1' if its end is asked for, result or ''}, or
-- false where there is none.
local reply = {}
local function add(id)
  local state = state_of(id)
  local body = redis.call('HGET', K.jobs, id)
  if not state or not body then
    reply[#reply + 1] = false
    return
  end
  local due = redis.call('ZSCORE', K.active, id) or redis.call('ZSCORE', K.delayed, id)
    or redis.call('ZSCORE', K.retries, id) or ''
  reply[#reply + 1] = {
    id, state, body, due, redis.call('HGET', K.claims, id) or '', redis.call('HGET', K.tries, id) or '',
    tostring(redis.call('SISMEMBER', K.cancels, id)), redis.call('HGET', K.results, id) or '',
  }
end
if #ARGV > 4 then
  for index = 5, #ARGV do add(ARGV[index]) end
  return reply
end
local limit = tonumber(ARGV[4])
for _, key in ipairs({ K.active, K.ready, K.retries, K.delayed }) do
  if #reply < limit then
    for _, id in ipairs(redis.call('ZRANGE', key, 0, limit - #reply - 1)) do add(id) end
  end
end
if #reply < limit then
  for _, id in ipairs(redis.call('ZREVRANGE', K.ended, 0, limit - #reply - 1)) do add(id) end
end
return reply
