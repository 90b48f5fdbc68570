-- Promotes what is due, takes back what nobody will complete, then claims.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 token  6 limit  7 lease in ms  8 "1": the executor restarted, all active jobs are orphans  9 identity of the
--       agent, or ''  10 its place
-- Returns {now, revision of the assignments, when the next is due or 0, '', id, job, attempt, id, job, attempt, …}; or, where
-- another agent stands for the server, {now, 0, when to ask again, {its place, when it was heard of}}.
local at = now()
local other = stand(ARGV[9], ARGV[10], at)
if other then return { at, 0, other[2] + AGENT_SILENCE, other } end
local lease_end = at + tonumber(ARGV[7])

-- Open jobs that are in no queue, and queue entries without a job: somebody's hand, or a lost part.
for _, id in ipairs(redis.call('SRANDMEMBER', K.open, SWEPT_JOBS)) do
  if redis.call('HEXISTS', job_key(id), 'job') == 0 then
    leave_queue(id)
    redis.call('SREM', K.open, id)
    for _, app in ipairs(redis.call('SMEMBERS', K.instances)) do
      if redis.call('HGET', control_key(app), 'job') == id then
        redis.call('HDEL', control_key(app), 'job')
        change('instance', instance_name(app), 'job')
      end
    end
  elseif not redis.call('ZSCORE', K.ready, id) and not redis.call('ZSCORE', K.delayed, id)
    and not redis.call('ZSCORE', K.active, id) then
    give_back(id, 'its place in the queue was lost', at)
  end
end
if ARGV[8] == '1' then
  for _, id in ipairs(redis.call('ZRANGE', K.active, 0, -1)) do
    -- What this very call was given, and its answer lost, is no orphan.
    if redis.call('HGET', job_key(id), 'token') ~= ARGV[5] then give_back(id, 'its executor stopped', at) end
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', K.active, '-inf', text(at))) do
  give_back(id, 'its lease expired', at)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', K.delayed, '-inf', text(at))) do make_ready(id, at) end

local reply = { at, tonumber(redis.call('GET', K.assignments) or '0'), 0, '' }
local limit = tonumber(ARGV[6])
-- The answer to this very call was lost: what it was given is given to it again.
for _, id in ipairs(redis.call('ZRANGE', K.active, 0, -1)) do
  local job = redis.call('HMGET', job_key(id), 'token', 'job', 'attempt')
  if job[1] == ARGV[5] then
    redis.call('HSET', job_key(id), 'dueAt', text(lease_end))
    redis.call('ZADD', K.active, text(lease_end), id)
    reply[#reply + 1] = id
    reply[#reply + 1] = job[2]
    reply[#reply + 1] = tonumber(job[3])
    limit = limit - 1
  end
end
for _, id in ipairs(limit > 0 and redis.call('ZRANGE', K.ready, 0, limit - 1) or {}) do
  redis.call('ZREM', K.ready, id)
  local json = redis.call('HGET', job_key(id), 'job')
  if json then
    local attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
    redis.call('HSET', job_key(id), 'state', 'active', 'token', ARGV[5], 'claimedAt', text(at), 'dueAt', text(lease_end))
    redis.call('ZADD', K.active, text(lease_end), id)
    reply[#reply + 1] = id
    reply[#reply + 1] = json
    reply[#reply + 1] = attempt
  end
end
for _, key in ipairs({ K.delayed, K.active }) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] and (reply[3] == 0 or tonumber(first[2]) < reply[3]) then reply[3] = tonumber(first[2]) end
end
return reply
