-- What one server is asked to observe. Reads only.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- Returns {revision, milliseconds between reports or "", app, assignment, app, assignment, …}.
local reply = { tonumber(redis.call('GET', K.assignments) or '0'), redis.call('GET', K.interval) or '' }
for _, app in ipairs(redis.call('SMEMBERS', K.instances)) do
  local assignment = redis.call('GET', assignment_key(app))
  if assignment then
    reply[#reply + 1] = app
    reply[#reply + 1] = assignment
  end
end
return reply
