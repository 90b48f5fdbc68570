-- Enqueues jobs, each once: an id that the queue knows is answered with what became of the first.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 epoch and 5 nonce of the leader, "" for none  6 ms of delay  7 time in ms not to begin before, 0 for none
--       8 "1": their ends are told  9 number of jobs; id, head (`P AA F`) and JSON of each
-- Returns {executors to wake, state of each that was known or ""…}, or the error FENCED.
if ARGV[4] ~= '' then
  local refusal = fenced(ARGV[4], ARGV[5])
  if refusal then return refusal end
end
local at = now()
local at_text = text(at)
local due = math.max(at + tonumber(ARGV[6]), tonumber(ARGV[7]))
local count = tonumber(ARGV[9])
local ids = {}
for index = 1, count do ids[index] = ARGV[7 + 3 * index] end
local known = redis.call('HMGET', K.jobs, unpack(ids))
local reply, bodies, scores, seen = { {} }, {}, {}, {}
for index = 1, count do
  local id = ids[index]
  if known[index] then
    reply[index + 1] = state_of(id)
  elseif seen[id] then
    reply[index + 1] = due > at and 'delayed' or 'ready'
  else
    seen[id] = true
    reply[index + 1] = ''
    local body = ARGV[8 + 3 * index] .. ' ' .. at_text .. ' ' .. ARGV[9 + 3 * index]
    bodies[#bodies + 1], bodies[#bodies + 2] = id, body
    scores[#scores + 1] = due > at and text(due) or ready_score(body, at)
    scores[#scores + 1] = id
  end
end
if ARGV[8] == '1' then
  redis.call('SADD', K.told, unpack(ids))
  -- One that was there already, for somebody who did not ask to be told, may be over.
  for index = 1, count do
    if known[index] and redis.call('ZSCORE', K.ended, ids[index]) then tell(ids[index]) end
  end
end
if #bodies == 0 then return reply end
redis.call('HSET', K.jobs, unpack(bodies))
redis.call('ZADD', due > at and K.delayed or K.ready, unpack(scores))
if is_pool then redis.call('SADD', K.pools, name) end
wake()
reply[1] = idle_ones(math.min(#bodies / 2, MOST_WOKEN), at)
return reply
