-- Takes back a job that has not started.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 id
-- Returns 1, or 0 if it has started, is over or unknown.
local id = ARGV[5]
if not is_unstarted(id) then return 0 end
local app = redis.call('HGET', job_key(id), 'app')
end_job(id, 'cancelled', nil, now())
change('instance', instance_name(app), 'job')
return 1
