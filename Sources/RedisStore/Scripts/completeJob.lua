-- Ends an attempt and writes what was observed after it.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 id  6 token  7 done, failed or dead  8 error  9 ms to the next attempt  10 output  11 "1": a report follows
--       12… report, as in preludeReport.lua
-- A job that ended well and after which all is observed as before it was planned counts as a round, like a dead one.
-- One of an epoch or generation that is over, which the agent therefore would not do, ends as cancelled: what is right now
-- is emitted anew.
-- Returns OK, or the error CONFLICT if the token is not the active one. The same completion sent again is answered OK.
local id, token, result, failure = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local key = job_key(id)
local job = redis.call('HMGET', key, 'state', 'token', 'completedToken', 'attempt', 'app', 'kind', 'revision')
if not job[1] then return redis.error_reply('CONFLICT no such job') end
if job[1] ~= 'active' or job[2] ~= token then
  if job[3] == token then return redis.status_reply('OK') end
  return redis.error_reply('CONFLICT ' .. job[1] .. ', attempt ' .. (job[4] or '0'))
end
local at = now()
if ARGV[11] == '1' then
  local report = read_report(12)
  -- What happened is recorded; what is there now, the agent says that stands for the server.
  if not other_agent(report.agent) then write_report(report, at) end
end
redis.call('HSET', key, 'completedToken', token, 'output', ARGV[10])
if result == 'done' then
  end_job(id, 'done', nil, at)
  if job[6] == 'apply' and redis.call('HGET', observed_key(job[5]), 'revision') == job[7] then
    next_round(id, 'the job ended well and changed nothing', at)
  elseif job[6] == 'apply' then
    redis.call('HDEL', control_key(job[5]), 'round', 'roundGeneration', 'roundEndedAt', 'roundError')
  end
elseif result == 'dead' and is_outdated(id) then
  end_job(id, 'cancelled', failure, at)
elseif result == 'dead' or tonumber(job[4]) >= MAXIMUM_ATTEMPTS then
  kill_job(id, failure, at)
else
  local due = text(at + tonumber(ARGV[9]))
  redis.call('ZREM', K.active, id)
  redis.call('ZADD', K.delayed, due, id)
  redis.call('HDEL', key, 'token')
  redis.call('HSET', key, 'state', 'delayed', 'dueAt', due, 'error', failure)
  local control = control_key(job[5])
  if job[6] == 'apply' and redis.call('EXISTS', control) == 1 then
    redis.call('HSET', control, 'roundError', failure)
  end
end
change('instance', instance_name(job[5]), 'job')
return redis.status_reply('OK')
