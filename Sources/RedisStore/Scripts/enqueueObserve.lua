-- Enqueues a job that changes nothing. An id that is known already is no second job.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 id  6 app  7 job  8 generation
-- Returns OK.
if redis.call('EXISTS', job_key(ARGV[5])) == 0 then
  enqueue(ARGV[5], ARGV[6], ARGV[7], 'observe', ARGV[8], 0, now())
end
return redis.status_reply('OK')
