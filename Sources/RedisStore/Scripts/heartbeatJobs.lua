-- Extends the leases of one executor's attempts.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 token  6 lease in ms  7… ids
-- Returns the ids that are no longer this token's.
local lease_end = text(now() + tonumber(ARGV[6]))
local lost = {}
for index = 7, #ARGV do
  local id = ARGV[index]
  local job = redis.call('HMGET', job_key(id), 'state', 'token')
  if job[1] == 'active' and job[2] == ARGV[5] then
    redis.call('HSET', job_key(id), 'dueAt', lease_end)
    redis.call('ZADD', K.active, lease_end, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
