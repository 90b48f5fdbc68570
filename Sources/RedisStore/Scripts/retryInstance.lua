-- A person has mended the cause: the wait before the next round, or the next attempt, of one instance is over.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 app
-- The round's number stays, so that the next job has an id of its own.
-- Returns 1, or 0 if nothing was waited for.
local app = ARGV[5]
local control = control_key(app)
local ended = redis.call('HDEL', control, 'roundEndedAt')
local open = redis.call('HGET', control, 'job') or ''
if redis.call('HGET', job_key(open), 'state') == 'delayed' then
  make_ready(open, now())
  wake()
  ended = 1
end
if ended == 1 then change('instance', instance_name(app), 'retried') end
return ended
