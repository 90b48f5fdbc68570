-- Removes what holds another type than it should: somebody's hand was there, and no turn works with it. What was lost with
-- it is found again by the sweep of `turnRuns.lua`, as far as anything is left of it.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- Returns the keys that were removed.
local removed = {}
local function check(command, keys, ...)
  for _, key in ipairs(keys) do
    local reply = redis.pcall(command, key, ...)
    if type(reply) == 'table' and reply.err and string.find(reply.err, 'WRONGTYPE', 1, true) then
      redis.call('DEL', key)
      removed[#removed + 1] = key
    end
  end
end
check('ZCARD', { K.ready, K.delayed, K.retries, K.active, K.ended, K.idle })
check('HLEN', { K.jobs, K.claims, K.tries, K.doubts, K.results, K.agent })
check('SCARD', { K.cancels, K.told, K.members, K.own_pools })
check('GET', { K.labels })
return removed
