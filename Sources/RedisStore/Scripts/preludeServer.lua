-- Prelude of every script that works on one server.
--
-- KEYS  1 changes  2 heartbeats  3 summary  4 fence  5 refused  6 events  7 observed  8 instances  9 assignments
--       10 floor  11 drifts  12 ready  13 delayed  14 active  15 open  16 ended  17 wake  18 servers  19 interval
--       20 agent  21 none, which is never there
-- ARGV  1 prefix of the server's keys  2 server  3 channel for hints  4 shard; a script's own follow from 5
-- Keys of single jobs and instances are made from the prefix: they are in the same slot.
local K = {
  changes = KEYS[1], heartbeats = KEYS[2], summary = KEYS[3], fence = KEYS[4], refused = KEYS[5], events = KEYS[6],
  observed = KEYS[7], instances = KEYS[8], assignments = KEYS[9], floor = KEYS[10], drifts = KEYS[11],
  ready = KEYS[12], delayed = KEYS[13], active = KEYS[14], open = KEYS[15], ended = KEYS[16], wake = KEYS[17],
  servers = KEYS[18], interval = KEYS[19], agent = KEYS[20],
}
local prefix, server, channel, shard = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function control_key(app) return prefix .. 'instance:' .. app end
local function assignment_key(app) return prefix .. 'assignment:' .. app end
local function observed_key(app) return prefix .. 'app:' .. app end
local function job_key(id) return prefix .. 'job:' .. id end

-- `_` stands for what the server carries by itself.
local function instance_name(app)
  if app == '_' then return server end
  return app .. '@' .. server
end

-- The server's set of instances, and the shard's set of servers that have any.
local function join_instances(app)
  redis.call('SADD', K.instances, app)
  redis.call('SADD', K.servers, server)
end

local function leave_instances(app)
  redis.call('SREM', K.instances, app)
  if redis.call('SCARD', K.instances) == 0 then redis.call('SREM', K.servers, server) end
end

local function wake()
  redis.call('LPUSH', K.wake, '1')
  redis.call('LTRIM', K.wake, 0, 0)
end
