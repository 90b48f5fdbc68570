-- Jobs of one server: all open ones and the newest of the ended ones. Reads only.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 limit
-- Returns for each job its hash, as HGETALL gives it.
local reply = {}
local function add(ids)
  for _, id in ipairs(ids) do
    local job = redis.call('HGETALL', job_key(id))
    if #job > 0 then reply[#reply + 1] = job end
  end
end
add(redis.call('SMEMBERS', K.open))
add(redis.call('ZREVRANGE', K.ended, 0, tonumber(ARGV[5]) - 1))
return reply
